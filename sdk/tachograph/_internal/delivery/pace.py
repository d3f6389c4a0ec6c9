"""How long the delivery thread works at a time, and how long it rests.

It needs the interpreter for encoding, as the application does. A thread that keeps computing holds
the interpreter for a whole switch interval (5 ms) before it must give way, and a pause of zero does
not give way at all: so work comes in slices far shorter, with real sleeps between them.
"""

import time
from typing import Final

_SLICE_S: Final = 0.0003
_REST_S: Final = 0.001
_SHORTEST_LOOK_S: Final = 0.005
_LONGEST_LOOK_S: Final = 0.05
_WANTED_RECORDS: Final = 8
"""Records that one look at the queues should find."""


class Pace:
    """Slices, rests and looks of one delivery thread.

    When the queue fills faster than slices empty it, slices are no longer cut short: losing
    records would be worse than taking turns with the application.
    """

    def __init__(self, max_records: int) -> None:
        self._pressing = max(1, max_records // 4)
        self._slice_ends_at = 0.0
        self._is_pressed = False
        self._look_s = _SHORTEST_LOOK_S

    def begin(self, waiting: int) -> None:
        """A slice begins, with so many records waiting."""
        self._is_pressed = waiting >= self._pressing
        self._slice_ends_at = time.perf_counter() + _SLICE_S

    @property
    def is_over(self) -> bool:
        """Has the slice lasted long enough?"""
        return not self._is_pressed and time.perf_counter() >= self._slice_ends_at

    def pause_s(self, taken: int, waiting: int) -> float:
        """How long to sleep after a look that took `taken` records and left `waiting`, seconds."""
        if waiting:
            return 0.0 if waiting >= self._pressing else _REST_S
        wanted = self._look_s * _WANTED_RECORDS / max(taken, _WANTED_RECORDS / 2)
        self._look_s = min(max(wanted, _SHORTEST_LOOK_S), _LONGEST_LOOK_S)
        return self._look_s
