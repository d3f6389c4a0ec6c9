"""How far an evaluator agrees with people.

Cohen's kappa (Cohen, "A coefficient of agreement for nominal scales", 1960) with a jackknife interval,
and the area under the ROC curve with DeLong's interval (DeLong, DeLong and Clarke-Pearson, "Comparing
the areas under two or more correlated receiver operating characteristic curves", 1988). Both describe
the answers that people labelled, each once, whatever their weights: they compare two judges.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tachograph_store.rates.pairs import Interval, Pair, normal_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Labelled answers by what the evaluator and what people say."""

    both_good: int
    both_bad: int
    missed: int  # bad, and the evaluator passed it
    false_alarm: int  # good, and the evaluator did not pass it

    @property
    def answers(self) -> int:
        """All of them."""
        return self.both_good + self.both_bad + self.missed + self.false_alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """None where it is not defined: no answers, or only one kind of them."""

    confusion: Confusion
    kappa: Interval | None
    auroc: Interval | None


def agreement(pairs: Sequence[Pair], confidence: float = 0.95) -> Agreement:
    """The evaluator against people over the labelled answers."""
    counts = {(True, True): 0, (False, False): 0, (True, False): 0, (False, True): 0}
    for pair in pairs:
        counts[pair.is_passed, pair.is_good] += 1
    confusion = Confusion(
        both_good=counts[True, True],
        both_bad=counts[False, False],
        missed=counts[True, False],
        false_alarm=counts[False, True],
    )
    return Agreement(
        confusion=confusion,
        kappa=kappa(confusion, confidence),
        auroc=auroc(pairs, confidence),
    )


def _kappa(a: int, b: int, c: int, d: int) -> float | None:
    """Of the table [[a, c], [d, b]]; None when one of the judges says one thing only: what both say
    then follows from the other's shares, and agreement beyond chance cannot be seen."""
    total = a + b + c + d
    if not (a + c and b + d and a + d and b + c):
        return None
    chance = ((a + c) * (a + d) + (b + c) * (b + d)) / total**2
    return ((a + b) / total - chance) / (1 - chance)


def kappa(confusion: Confusion, confidence: float = 0.95) -> Interval | None:
    """Cohen's kappa with the interval of the jackknife over answers; None where it is undefined."""
    cells = (
        confusion.both_good,
        confusion.both_bad,
        confusion.missed,
        confusion.false_alarm,
    )
    estimate = _kappa(*cells)
    total = confusion.answers
    if estimate is None or total < 2:
        return None
    # Answers of one cell are alike: four different deletions, each as often as the cell has answers
    deviations = 0.0
    for index, cell in enumerate(cells):
        if cell:
            without = _kappa(*(c - (i == index) for i, c in enumerate(cells)))
            # A judge who varied by that one answer only would have agreed as by chance
            deviations += cell * ((without or 0.0) - estimate) ** 2
    half = normal_quantile(confidence) * math.sqrt((total - 1) / total * deviations)
    return Interval(
        estimate=estimate, low=max(-1.0, estimate - half), high=min(1.0, estimate + half)
    )


def auroc(pairs: Sequence[Pair], confidence: float = 0.95) -> Interval | None:
    """The probability that a good answer scores above a bad one, ties half; None without both."""
    good = sorted(pair.score for pair in pairs if pair.is_good)
    bad = sorted(pair.score for pair in pairs if not pair.is_good)
    if not good or not bad:
        return None
    of_good = [_share_below(score, bad) for score in good]
    of_bad = [1.0 - _share_below(score, good) for score in bad]
    estimate = sum(of_good) / len(good)
    variance = _variance(of_good) / len(good) + _variance(of_bad) / len(bad)
    half = normal_quantile(confidence) * math.sqrt(variance)
    return Interval(
        estimate=estimate, low=max(0.0, estimate - half), high=min(1.0, estimate + half)
    )


def _share_below(score: float, others: Sequence[float]) -> float:
    return (bisect_left(others, score) + bisect_right(others, score)) / (2 * len(others))


def _variance(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.25  # the largest that a value in [0, 1] can have: nothing is known
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)
