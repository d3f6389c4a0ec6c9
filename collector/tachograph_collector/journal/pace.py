"""Answers at the pace of the store while more than a block waits for it.

The journal takes spans several times faster than the store. Senders who wait for each answer would
fill it until their spans become visible minutes later, and the translation of what they send would
take the drain's time. So while the store takes rows, but fewer than come, an answer waits until the
drain would have come to its rows. Who sends slower than the store takes never waits, nor does anybody
while the store is away: then the journal is what it is for.
"""

import time
from typing import Final

MAX_DELAY_S: Final = 2.0
"""Well below the 10 s after which exporters give up; beyond it the journal's quota is the bound."""
_NEWEST_SHARE: Final = 0.5
_MEANINGFUL_ROWS: Final = 500
"""A smaller block says how long an insert takes, not a row."""


class Pace:
    """How long answers wait; told by the drain, asked by the event loop."""

    def __init__(self, slack_rows: int) -> None:
        """`slack_rows` may wait for the store without anybody being held up."""
        self._slack_rows = slack_rows
        self._row_s: float | None = None
        self._free_at = 0.0
        self._is_away = False

    def drained(self, rows: int, took_s: float) -> None:
        """The drain has brought a block into the store."""
        self._is_away = False
        if rows >= _MEANINGFUL_ROWS:
            row_s = took_s / rows
            known_s = row_s if self._row_s is None else self._row_s
            self._row_s = _NEWEST_SHARE * row_s + (1 - _NEWEST_SHARE) * known_s

    def failed(self) -> None:
        """The drain does not come on."""
        self._is_away = True

    def delay_s(self, rows: int, waiting_rows: int) -> float:
        """Seconds that the answer to a request of that many rows waits."""
        if self._is_away or self._row_s is None or waiting_rows <= self._slack_rows:
            return 0.0
        now = time.monotonic()
        free_at = max(now, self._free_at) + rows * self._row_s
        self._free_at = min(free_at, now + MAX_DELAY_S)
        return self._free_at - now
