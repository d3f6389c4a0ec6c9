"""What the statistics take: answers that both an evaluator and people judged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

GOOD: Final = 0.5
"""A label or score of at least this says that the answer is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One answer: people's label (the mean of several), the evaluator's score, both 1 for good.

    `score_weight` is the inverse probability that the evaluator judged the answer, `label_weight` the
    inverse probability that it was drawn to be labelled; 1 where a label came by itself.
    """

    label: float
    score: float
    score_weight: float = 1.0
    label_weight: float = 1.0

    @property
    def is_good(self) -> bool:
        """What people say."""
        return self.label >= GOOD

    @property
    def is_passed(self) -> bool:
        """What the evaluator says."""
        return self.score >= GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its two-sided confidence interval."""

    estimate: float
    low: float
    high: float


def normal_quantile(confidence: float) -> float:
    """z of a two-sided interval, 1.96 at 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def student_quantile(confidence: float, degrees: int) -> float:
    """t of a two-sided interval, by Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5;
    within 0.01 from 5 degrees of freedom on."""
    z = normal_quantile(confidence)
    powers = [math.pow(z, power) for power in range(10)]
    terms: Sequence[float] = (
        (powers[3] + z) / 4,
        (5 * powers[5] + 16 * powers[3] + 3 * z) / 96,
        (3 * powers[7] + 19 * powers[5] + 17 * powers[3] - 15 * z) / 384,
        (79 * powers[9] + 776 * powers[7] + 1482 * powers[5] - 1920 * powers[3] - 945 * z) / 92160,
    )
    return z + math.fsum(term / math.pow(degrees, index + 1) for index, term in enumerate(terms))
