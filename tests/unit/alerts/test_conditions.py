"""What a threshold says of a reading."""

from datetime import UTC, datetime, timedelta

import pytest

from tachograph_evaluators.alerts.conditions import Reading, Threshold, Verdict
from tachograph_evaluators.alerts.metrics import SPAN_METRICS, metric_named

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
BELOW = Threshold(
    comparison="below", threshold=0.7, resolve_threshold=0.8, window_s=300, min_samples=5
)
ABOVE = Threshold(
    comparison="above", threshold=0.1, resolve_threshold=0.05, window_s=60, min_samples=1
)


def judge(condition: Threshold, value: float | None, samples: int = 10) -> Verdict:
    (window,) = condition.windows(NOW)
    return condition.judge([Reading(value=value, samples=samples, window=window)])


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.69, Verdict.BREACHED),
        (0.7, Verdict.BETWEEN),
        (0.79, Verdict.BETWEEN),
        (0.8, Verdict.CLEAR),
        (None, Verdict.NO_DATA),
    ],
)
def test_below(value: float | None, verdict: Verdict) -> None:
    assert judge(BELOW, value) is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.11, Verdict.BREACHED),
        (0.1, Verdict.BETWEEN),
        (0.051, Verdict.BETWEEN),
        (0.05, Verdict.CLEAR),
        (0.0, Verdict.CLEAR),
    ],
)
def test_above(value: float, verdict: Verdict) -> None:
    assert judge(ABOVE, value) is verdict


def test_too_few_samples_are_no_data() -> None:
    assert judge(BELOW, 0.1, samples=4) is Verdict.NO_DATA
    assert judge(BELOW, 0.1, samples=5) is Verdict.BREACHED


def test_the_window_rolls() -> None:
    (window,) = BELOW.windows(NOW)
    assert (window.since, window.until) == (NOW - timedelta(seconds=300), NOW)
    assert BELOW.describe() == "below 0.7 over 300 s"


def test_metrics_are_known_by_name() -> None:
    assert metric_named("score:grounding").column == "grounding"
    assert metric_named("score:grounding").family == "scores"
    assert metric_named("latency_p95_s").unit == "s"
    assert {"error_rate", "latency_p95_s", "time_to_first_chunk_p95_s", "list_cost"} <= set(
        SPAN_METRICS
    )
    for unknown in ("latency", "score:", "score: x", "grounding", ""):
        with pytest.raises(ValueError, match="one of requests"):
            metric_named(unknown)
