"""Rates of good answers, corrected by the few that people labelled: prediction-powered inference.

The estimate is the evaluator's mean over all traffic plus the mean error that labels show,

    theta = lambda * mean(score) + mean over labelled(label - lambda * score),

unbiased whatever the evaluator is worth (Angelopoulos, Bates, Fannjiang, Jordan and Zrnic,
"Prediction-powered inference", Science 382, 2023); lambda is chosen to make the variance least
("PPI++: efficient prediction-powered inference", 2023), so that a useless evaluator costs nothing.

Every mean is weighted by inverse probabilities: of judging (sampling), and of drawing for labels
(Zrnic and Candès, "Active statistical inference", 2024). Means of this kind are ratios (Hájek), their
variance is that of their linearisation: each answer counts with

    psi = lambda * w * (score - mean score) / sum w
        + [labelled] v * (residual - mean residual) / sum v,

answers are independent (Poisson sampling), labelled ones have both terms, and the variance of theta is
the sum of psi squared. psi is linear in lambda, so the best lambda is a quotient of two sums.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tachograph_store.rates.pairs import Interval, Pair, normal_quantile, student_quantile

LEAST_LABELS: Final = 10
"""Fewer labels give no interval that one could believe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sums over every answer that the evaluator judged, with w the weight and f the score."""

    answers: int
    w: float
    wf: float
    ww: float
    wwf: float
    wwff: float

    @property
    def mean(self) -> float:
        """The evaluator's own rate."""
        return self.wf / self.w


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRate:
    """The rate of good answers three ways, with intervals of one confidence."""

    answers: int
    labels: int
    evaluator: float  # what the evaluator says of all traffic, uncorrected
    labelled: Interval  # what labels alone say
    corrected: Interval  # both together
    weight: float  # lambda: how far the evaluator is trusted; 0 not at all

    @property
    def labels_worth(self) -> float | None:
        """As many labels alone would give the corrected interval's width; None without width."""
        corrected = self.corrected.high - self.corrected.low
        alone = self.labelled.high - self.labelled.low
        return self.labels * (alone / corrected) ** 2 if corrected > 0 else None


def moments(scores: Sequence[tuple[float, float]]) -> Moments:
    """Of (score, weight) pairs; the store computes the same sums."""
    return Moments(
        answers=len(scores),
        w=math.fsum(w for _, w in scores),
        wf=math.fsum(w * f for f, w in scores),
        ww=math.fsum(w * w for _, w in scores),
        wwf=math.fsum(w * w * f for f, w in scores),
        wwff=math.fsum(w * w * f * f for f, w in scores),
    )


def corrected_rate(
    judged: Moments, pairs: Sequence[Pair], confidence: float = 0.95
) -> CorrectedRate | None:
    """The rate over all answers that could have been judged; None with fewer than 10 labels.

    `pairs` are among the answers of `judged`. The intervals hold for labels that were drawn with the
    stated probabilities; where labels came by themselves they hold as far as who labels does not
    depend on the answer.
    """
    count = len(pairs)
    if count < LEAST_LABELS or judged.w <= 0:
        return None
    weights = [pair.score_weight * pair.label_weight for pair in pairs]
    total = math.fsum(weights)
    mean_label = math.fsum(v * p.label for v, p in zip(weights, pairs, strict=True)) / total
    mean_score = math.fsum(v * p.score for v, p in zip(weights, pairs, strict=True)) / total
    # psi = lambda * a + b for a labelled answer, lambda * a without b for the others
    a = [
        p.score_weight * (p.score - judged.mean) / judged.w - v * (p.score - mean_score) / total
        for v, p in zip(weights, pairs, strict=True)
    ]
    b = [v * (p.label - mean_label) / total for v, p in zip(weights, pairs, strict=True)]
    others = _others(judged, pairs)
    aa = math.fsum(x * x for x in a) + others
    ab = math.fsum(x * y for x, y in zip(a, b, strict=True))
    weight = -ab / aa if aa > 0 else 0.0
    tuned = math.fsum((weight * x + y) ** 2 for x, y in zip(a, b, strict=True))
    # One mean and one lambda were taken from the labels
    variance = tuned * count / (count - 2) + weight**2 * others
    estimate = weight * judged.mean + mean_label - weight * mean_score
    alone = math.fsum(y * y for y in b) * count / (count - 1)
    quantile = student_quantile(confidence, count - 2)
    labelled = _interval(mean_label, alone, student_quantile(confidence, count - 1), weights)
    return CorrectedRate(
        answers=judged.answers,
        labels=count,
        evaluator=judged.mean,
        labelled=labelled,
        corrected=_interval(estimate, variance, quantile, weights),
        weight=weight,
    )


def _others(judged: Moments, pairs: Sequence[Pair]) -> float:
    """The sum of squares of the answers without a label: all answers less the labelled ones."""
    mean = judged.mean
    everything = judged.wwff - 2 * mean * judged.wwf + mean**2 * judged.ww
    labelled = math.fsum((p.score_weight * (p.score - mean)) ** 2 for p in pairs)
    return max(0.0, everything - labelled) / judged.w**2


def _interval(
    estimate: float, variance: float, quantile: float, weights: Sequence[float]
) -> Interval:
    """Around an estimate of a share; never narrower than Wilson's where all labels are alike."""
    if variance > 1e-18:
        half = quantile * math.sqrt(variance)
        low, high = estimate - half, estimate + half
    else:
        low, high = wilson(estimate, math.fsum(weights) ** 2 / math.fsum(w * w for w in weights))
    inside = min(1.0, max(0.0, estimate))
    return Interval(estimate=inside, low=max(0.0, low), high=min(1.0, high))


def wilson(share: float, answers: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share of (effectively) so many answers: Wilson, "Probable inference, the
    law of succession, and statistical inference", 1927."""
    z = normal_quantile(confidence)
    middle = (share + z * z / (2 * answers)) / (1 + z * z / answers)
    spread = share * (1 - share) / answers + z * z / (4 * answers**2)
    half = z / (1 + z * z / answers) * math.sqrt(max(0.0, spread))
    return max(0.0, middle - half), min(1.0, middle + half)
