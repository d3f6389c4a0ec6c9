"""How many answers a second the workers take off the queue, as the planner sees it."""

import math
from typing import Final

_MEMORY_S: Final = 60.0
"""Time constant of the mean: what was seen a minute ago counts a third of what is seen now."""


class Throughput:
    """An exponentially weighted mean over the time in which the queue was never empty.

    While it is empty the workers wait for answers, and nothing can be learned about their speed.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s  # a batch takes at most that long: longer, no worker ran
        self._waiting = 0
        self._sent = 0
        self._sent_answers = 0
        self._looked_s: float | None = None
        self._busy_s = 0.0
        self._rate: float | None = None
        self._last_batch = 1.0

    @property
    def answers_per_s(self) -> float | None:
        """None until something was seen."""
        return self._rate

    def sent(self, batches: int, answers: int) -> None:
        """Count what was put on the queue."""
        self._sent += batches
        self._sent_answers += answers

    def look(self, waiting: int, now_s: float) -> None:
        """`waiting` batches are on the queue at `now_s` (monotonic seconds)."""
        held = self._waiting + self._sent
        taken = held - waiting
        answers_a_batch = self._sent_answers / self._sent if self._sent else None
        if self._looked_s is not None and held and waiting:
            self._busy_s += now_s - self._looked_s
            if taken > 0:
                self._learn(taken * (answers_a_batch or self._last_batch))
        else:
            self._busy_s = 0.0
        if answers_a_batch is not None:
            self._last_batch = answers_a_batch
        self._looked_s = now_s
        self._waiting, self._sent, self._sent_answers = waiting, 0, 0

    def _learn(self, answers: float) -> None:
        busy_s = max(0.001, min(self._busy_s, self._longest_s))
        seen = answers / busy_s
        share = 1.0 - math.exp(-busy_s / _MEMORY_S)
        self._rate = seen if self._rate is None else self._rate + share * (seen - self._rate)
        self._busy_s = 0.0


def drain_s(waiting: float, answers_per_s: float | None, sharers: int) -> float:
    """Seconds until `waiting` answers of one of `sharers` projects are judged; 0 while unknown."""
    return waiting * sharers / answers_per_s if answers_per_s else 0.0
