"""The metrics that a rule may watch, by name.

Two families, each answered by one named query: `spans` (counted model calls that ended in the
window) and `scores` (judgements made in the window).
"""

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["spans", "scores"]

SCORE_PREFIX: Final = "score:"
"""`score:NAME` is the mean of the scores of that name (0 to 1, 1 good), weighted by sample weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is measured over a rule's window."""

    name: str
    family: Family
    column: str
    """Field of the query's answer; for scores the name of the score."""
    unit: str
    """UCUM unit, as in OpenTelemetry: `s`, `J`, `1` for a ratio, `{request}` for a count."""
    is_total: bool = False
    """A total over the window. It is known, and zero, where nothing happened; a mean is not."""


def _quantiles(stem: str) -> list[Metric]:
    return [
        Metric(name=f"{stem}_{quantile}_s", family="spans", column=f"{stem}_{quantile}_s", unit="s")
        for quantile in ("p50", "p95", "p99")
    ]


def _total(name: str, unit: str) -> Metric:
    return Metric(name=name, family="spans", column=name, unit=unit, is_total=True)


SPAN_METRICS: Final = {
    metric.name: metric
    for metric in [
        _total("requests", "{request}"),
        _total("errors", "{request}"),
        Metric(name="error_rate", family="spans", column="error_rate", unit="1"),
        *_quantiles("latency"),
        *_quantiles("time_to_first_chunk"),
        _total("input_tokens", "{token}"),
        _total("output_tokens", "{token}"),
        _total("list_cost", "{currency}"),
        _total("compute_cost", "{currency}"),
        _total("gpu_seconds", "s"),
        _total("energy_j", "J"),
    ]
}
"""Metric name -> metric, of those read from spans."""


def metric_named(name: str) -> Metric:
    """The metric called `name`; ValueError, saying which names there are, when none is."""
    if name in SPAN_METRICS:
        return SPAN_METRICS[name]
    score = name.removeprefix(SCORE_PREFIX)
    if score != name and score.strip() == score and 0 < len(score) <= 200:
        return Metric(name=name, family="scores", column=score, unit="1")
    raise ValueError(f"one of {', '.join(SPAN_METRICS)}, or score:NAME")
