"""Time ranges and their steps."""

from datetime import UTC, datetime, timedelta

import pytest

from tachograph_dashboard import window

NOW = datetime(2026, 11, 22, 19, 40, 56, tzinfo=UTC)


@pytest.mark.parametrize("name", list(window.RANGES))
def test_a_range_has_a_bounded_number_of_steps_that_cover_it(name: str) -> None:
    span = window.last(name, NOW)
    steps = span.steps()
    assert span.until - span.since == window.RANGES[name]
    assert len(steps) <= window.MAX_STEPS + 1
    assert steps[0] <= span.since
    assert steps[-1] < span.until <= steps[-1] + timedelta(seconds=span.step_s)
    assert all(int(step.timestamp()) % span.step_s == 0 for step in steps)


def test_now_is_inside_and_calls_within_the_quantum_agree() -> None:
    first, second = window.last("1 h", NOW), window.last("1 h", NOW + timedelta(seconds=3))
    assert first == second
    assert first.until >= NOW


def test_an_unknown_range_is_the_default_one() -> None:
    assert window.last("<script>", NOW) == window.last(window.DEFAULT_RANGE, NOW)
