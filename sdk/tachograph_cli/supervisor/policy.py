"""When to start a dead service again, and when to call it a crash loop."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """All in seconds. The defaults restart at once and reach a crash loop within a minute."""

    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    window_s: float = 60.0
    deaths_in_window: int = 5
    crash_loop_retry_s: float = 60.0
    liveness_every_s: float = 10.0
    """Between an answer, or the end of waiting for one, and the next question."""
    liveness_timeout_s: float = 10.0
    hung_after_s: float = 60.0
    hung_after_checks: int = 3
    """A service is hung when this many questions in a row, over that time, had no answer."""


class Liveness:
    """When to ask a ready service whether it lives, and whether it is hung."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._failed = 0
        self._failing_since_s: float | None = None
        self._next_s = 0.0

    def begin(self, now_s: float) -> None:
        """The service became ready."""
        self._failed, self._failing_since_s = 0, None
        self._next_s = now_s + self._policy.liveness_every_s

    def is_due(self, now_s: float) -> bool:
        return now_s >= self._next_s

    def record(self, lives: bool, now_s: float) -> None:
        """One question's end."""
        self._next_s = now_s + self._policy.liveness_every_s
        if lives:
            self._failed, self._failing_since_s = 0, None
            return
        self._failed += 1
        if self._failing_since_s is None:
            self._failing_since_s = now_s - self._policy.liveness_timeout_s

    @property
    def failed(self) -> int:
        """Questions in a row without an answer."""
        return self._failed

    def is_hung(self, now_s: float) -> bool:
        return (
            self._failing_since_s is not None
            and self._failed >= self._policy.hung_after_checks
            and now_s - self._failing_since_s >= self._policy.hung_after_s
        )


class DeathRecord:
    """The deaths of one service within the window, and what follows from them."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._deaths: deque[float] = deque(maxlen=policy.deaths_in_window)

    def record(self, now_s: float) -> None:
        self._deaths.append(now_s)
        while self._deaths and now_s - self._deaths[0] > self._policy.window_s:
            self._deaths.popleft()

    @property
    def count(self) -> int:
        return len(self._deaths)

    @property
    def is_crash_loop(self) -> bool:
        return self.count >= self._policy.deaths_in_window

    @property
    def delay_s(self) -> float:
        """How long to wait before the next start: doubled with each death in the window."""
        if self.is_crash_loop:
            return self._policy.crash_loop_retry_s
        doubled: float = self._policy.first_delay_s * 2.0 ** max(0, self.count - 1)
        return min(doubled, self._policy.max_delay_s)
