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
