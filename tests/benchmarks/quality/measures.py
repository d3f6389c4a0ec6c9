"""One evaluator on one set: every figure of the table and of the last line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.quality import baselines
from tests.benchmarks.quality.judged import Judged
from tests.benchmarks.quality.metrics import (
    AtThreshold,
    Floats,
    Interval,
    Ints,
    Names,
    at_threshold,
    auroc,
    calibration_error,
    interval,
    length_matched,
    macro,
    thirds,
)

Rows = Sequence[dict[str, Any]]

PATTERN_TYPES: Final = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "IBAN_CODE": "iban",
    "CREDIT_CARD": "credit_card", "US_SSN": "us_ssn", "IP_ADDRESS": "ip_address",
}  # fmt: skip
PERSON_TYPES: Final = {"PERSON": "person"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: some rows of a set."""

    evaluator: str
    set_name: str
    rows: int
    auroc: Interval
    baselines: Mapping[str, float]
    at: AtThreshold
    calibration_error: float | None
    length_matched: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """All lines of one evaluator on one set, and how its AUROC goes with length."""

    lines: Sequence[Line]
    by_length: Sequence[tuple[str, int, float]]
    abstained: int
    errors: int


@dataclass(frozen=True, slots=True)
class Columns:
    """A labelled set as columns; `bad` is 1 for what should raise an alarm."""

    bad: Ints
    sources: Names
    lengths: Ints
    baselines: Mapping[str, Floats]


def columns(rows: Rows, *, good_label: bool = False, length_of: Sequence[str]) -> Columns:
    """With the baselines that fit the set: length always, overlap where there are contexts."""
    label = np.array([int(row["label"]) for row in rows])
    lengths = baselines.lengths(rows, *length_of)
    alarms: dict[str, Floats] = {"length": lengths.astype(np.float64)}
    if all(row.get("context") and row.get("response") for row in rows):
        alarms["word overlap"] = -baselines.overlap(rows)
    if good_label:
        alarms["cosine"] = -baselines.cosine(rows)
    return Columns(
        bad=1 - label if good_label else label,
        sources=np.array([str(row["source"]) for row in rows]),
        lengths=lengths,
        baselines=alarms,
    )


def measure(judged: Judged, known: Columns) -> Measured:
    """Each source, the whole, and the mean over the sources that hold both labels."""
    name = judged.evaluator.name
    lines = []
    for source in sorted(set(known.sources)):
        at = known.sources == source
        if len(set(known.bad[at])) == 2:
            lines.append(_line(name, str(source), judged, known, at))
        elif known.bad[at].all():  # attacks alone: against everything that is benign
            against = at | (known.bad == 0)
            lines.append(_line(name, f"{source} and all benign", judged, known, against))
    everything = np.ones(len(known.bad), dtype=np.bool_)
    if len(set(known.sources)) > 1:
        lines.append(_line(name, "all", judged, known, everything))
    by_length = [
        (words, int(at.sum()), auroc(known.bad[at], judged.alarm[at]))
        for words, at in thirds(known.lengths)
        if len(set(known.bad[at])) == 2
    ]
    return Measured(lines, by_length, judged.abstained, judged.errors)


def _line(name: str, set_name: str, judged: Judged, known: Columns, at: NDArray[np.bool_]) -> Line:
    bad, alarm, sources = known.bad[at], judged.alarm[at], known.sources[at]
    return Line(
        evaluator=name,
        set_name=set_name,
        rows=int(at.sum()),
        auroc=interval(sources, lambda rows: auroc(bad[rows], alarm[rows])),
        baselines={key: auroc(bad, values[at]) for key, values in known.baselines.items()},
        at=at_threshold(bad, judged.failed[at]),
        calibration_error=calibration_error(bad, alarm),
        length_matched=length_matched(bad, alarm, known.lengths[at]),
    )


def macro_gain(judged: Judged, known: Columns, baseline: str) -> tuple[Interval, Interval]:
    """The macro AUROC, and its gain above a baseline on the same drawn rows (paired)."""
    bad, sources, plain = known.bad, known.sources, known.baselines[baseline]

    def ours(rows: Ints) -> float:
        return macro(bad[rows], judged.alarm[rows], sources[rows])

    def gain(rows: Ints) -> float:
        return ours(rows) - macro(bad[rows], plain[rows], sources[rows])

    return interval(sources, ours), interval(sources, gain)


def span_f1(judged: Judged, rows: Rows, types: Mapping[str, str]) -> tuple[Interval, int]:
    """F1 of found spans (a finding of the type that overlaps the label), and the labels' number."""
    counts = np.array([_span_counts(score.offsets, row["spans"], types)
                       for score, row in zip(judged.scores, rows, strict=True)])  # fmt: skip

    def f1(chosen: Ints) -> float:
        recalled, labels, right, found = counts[chosen].sum(axis=0)
        recall, precision = recalled / max(1, labels), right / max(1, found)
        return float(2 * precision * recall / max(1e-9, precision + recall))

    return interval(np.array(["all"] * len(rows)), f1), int(counts[:, 1].sum())


def _span_counts(
    found: Sequence[tuple[int, int, str]], labelled: Sequence[Any], types: Mapping[str, str]
) -> tuple[int, int, int, int]:
    ours = [span for span in found if span[2] in types.values()]
    wanted = [(start, stop, types[kind]) for start, stop, kind in labelled if kind in types]

    def meets(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
        return one[0] < other[1] and other[0] < one[1] and one[2] == other[2]

    recalled = sum(any(meets(label, span) for span in ours) for label in wanted)
    right = sum(any(meets(label, span) for label in wanted) for span in ours)
    return recalled, len(wanted), right, len(ours)
