"""What the planner learns about the workers' speed from the length of the queue."""

import pytest

from tachograph_evaluators.rules.rule import Behind
from tachograph_evaluators.rules.sampling import behind_factor
from tachograph_evaluators.throughput import Throughput, drain_s


def test_a_busy_queue_shows_the_speed() -> None:
    seen = Throughput(longest_s=120)
    for second in range(0, 600, 2):
        seen.sent(2, 64)
        seen.look(4, float(second))  # it never empties, and as much is taken as is sent
    assert seen.answers_per_s == pytest.approx(32, rel=0.05)


def test_an_empty_queue_shows_nothing() -> None:
    seen = Throughput(longest_s=120)
    for second in range(0, 60, 2):
        seen.sent(1, 32)
        seen.look(0, float(second))
    assert seen.answers_per_s is None
    assert drain_s(10_000, seen.answers_per_s, 1) == 0.0


def test_a_worker_that_was_away_does_not_count_as_slow() -> None:
    seen = Throughput(longest_s=120)
    seen.sent(8, 256)
    seen.look(8, 0.0)
    for second in range(2, 7200, 2):
        seen.look(8, float(second))  # two hours without a worker
    seen.look(4, 7202.0)
    assert seen.answers_per_s == pytest.approx(4 * 32 / 120)
    assert drain_s(256, seen.answers_per_s, 2) == pytest.approx(480)


@pytest.mark.parametrize("overload", [1.5, 4.0, 20.0])
def test_a_lasting_overload_settles_at_the_rate_that_can_be_judged(overload: float) -> None:
    """One in `overload` is judged, and the oldest answer waits `after_s`."""
    behind, speed, step_s, waiting = Behind(after_s=300), 10.0, 2.0, 0.0
    factor = 1.0
    for _ in range(20_000):
        waiting += overload * speed * step_s
        factor = behind_factor(drain_s(waiting, speed, 1), behind)
        waiting -= min(waiting, speed * step_s / factor)  # decided about, taken or not
    assert factor == pytest.approx(1 / overload, rel=0.05)
    assert waiting / (overload * speed) == pytest.approx(300, rel=0.05)
