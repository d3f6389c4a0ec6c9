"""When a failed delivery is tried again."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tachograph_evaluators.alerts.retry import JITTER, RETRY_AFTER_S, next_attempt_at

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
DAY_S = 86_400


@given(
    st.integers(1, len(RETRY_AFTER_S) + 3),
    st.none() | st.floats(0, 10 * DAY_S, allow_nan=False),
)
def test_waits_by_the_schedule_and_by_what_was_asked(
    attempts: int, retry_after_s: float | None
) -> None:
    at = next_attempt_at(attempts, NOW, retry_after_s)
    if attempts > len(RETRY_AFTER_S):
        assert at is None
        return
    assert at is not None
    wait_s = (at - NOW).total_seconds()
    scheduled_s = RETRY_AFTER_S[attempts - 1]
    asked_s = min(retry_after_s or 0, DAY_S)
    assert wait_s >= max(scheduled_s, asked_s) - 1e-5
    assert wait_s <= max(scheduled_s * (1 + JITTER), asked_s) + 1e-5


def test_failed_together_does_not_return_together() -> None:
    assert len({next_attempt_at(3, NOW) for _ in range(50)}) > 1
