"""What is computed from scores and labels, each with its interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = NDArray[np.str_]

BOOTSTRAPS: Final = 1000
MATCHED_RATIO: Final = 1.25
"""Two texts are of one length when neither has a quarter more words than the other."""

_SEED: Final = 20261122


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def auroc(bad: Ints, alarm: Floats) -> float:
    """Probability that a bad row is ranked above a good one (Mann-Whitney); 0.5 where one lacks."""
    count = int((bad == 1).sum())
    others = len(bad) - count
    if not count or not others:
        return 0.5
    above = float(rankdata(alarm)[bad == 1].sum()) - count * (count + 1) / 2
    return above / (count * others)


def macro(bad: Ints, alarm: Floats, sources: Names) -> float:
    """The mean over sources of the AUROC within each."""
    return float(np.mean([auroc(bad[sources == s], alarm[sources == s]) for s in set(sources)]))


def interval(sources: Names, measure: Callable[[Ints], float]) -> Interval:
    """Of a measure of chosen rows; rows are drawn again within their source."""
    generator = np.random.default_rng(_SEED)
    groups = [np.flatnonzero(sources == source) for source in sorted(set(sources))]
    drawn = []
    for _ in range(BOOTSTRAPS):
        chosen = [generator.choice(group, len(group)) for group in groups]
        drawn.append(measure(np.concatenate(chosen)))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(measure(np.arange(len(sources))), float(low), float(high))


def length_matched(bad: Ints, alarm: Floats, lengths: Ints) -> float | None:
    """AUROC over pairs of a bad and a good row of one length; None without such a pair."""
    rises, pairs = 0.0, 0
    good_alarm, good_length = alarm[bad == 0], np.maximum(1, lengths[bad == 0])
    for value, length in zip(alarm[bad == 1], np.maximum(1, lengths[bad == 1]), strict=True):
        ratio = np.maximum(good_length / length, length / good_length)
        near = good_alarm[ratio <= MATCHED_RATIO]
        rises += float((value > near).sum() + 0.5 * (value == near).sum())
        pairs += len(near)
    return rises / pairs if pairs else None


def calibration_error(bad: Ints, probability: Floats, bins: int = 10) -> float:
    """Expected calibration error over bins of equally many rows (Naeini et al. 2015)."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(p) * abs(probability[p].mean() - bad[p].mean()) for p in parts) / len(bad))


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """Alarms at the shipped threshold; None where no row could raise one."""

    recall: float | None
    false_positive_rate: float | None
    f1: float | None


def at_threshold(bad: Ints, alarmed: NDArray[np.bool_]) -> AtThreshold:
    """Of alarms (an evaluator's label `fail`)."""
    hits = int((alarmed & (bad == 1)).sum())
    positives, alarms = int((bad == 1).sum()), int(alarmed.sum())
    negatives = len(bad) - positives
    return AtThreshold(
        recall=hits / positives if positives else None,
        false_positive_rate=(alarms - hits) / negatives if negatives else None,
        f1=2 * hits / (positives + alarms) if positives + alarms else None,
    )


def thirds(lengths: Ints) -> Sequence[tuple[str, NDArray[np.bool_]]]:
    """The rows of short, middle and long texts, named by their words."""
    low, high = np.percentile(lengths, [100 / 3, 200 / 3])
    return (
        (f"up to {low:.0f} words", lengths <= low),
        (f"{low:.0f} to {high:.0f} words", (lengths > low) & (lengths <= high)),
        (f"over {high:.0f} words", lengths > high),
    )
