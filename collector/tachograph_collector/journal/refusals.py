"""Refusals of a block under error codes that nobody knows: of a row's content, or of everything?"""

import logging
import time
from dataclasses import dataclass
from typing import Final

from tachograph_collector.journal.bisect import ANY_REFUSAL, CONTENT, Blaming
from tachograph_store.errors import QueryRefused, StoreError

_LOGGER = logging.getLogger(__name__)
_LEAST: Final = 3


@dataclass(slots=True)
class Refusals:
    """How often the block at hand was refused, and for how long.

    A refusal may pass (a column that a migration is about to add), so a block is tried again first.
    When it goes on, the block is halved as for any bad row, and a probe row tells whether the table
    takes rows at all: then those that stand alone go to quarantine, else everything waits.
    """

    patience_s: float
    _count: int = 0
    _since_s: float = 0.0

    @property
    def blaming(self) -> Blaming:
        """The errors that are taken for a row's fault at the next attempt."""
        is_over = self._count >= _LEAST and time.monotonic() >= self._since_s + self.patience_s
        return ANY_REFUSAL if is_over else CONTENT

    def note(self, error: StoreError) -> None:
        """An attempt has failed."""
        if not isinstance(error, QueryRefused):
            self.clear()
            return
        if not self._count:
            self._since_s = time.monotonic()
            _LOGGER.warning("a block was refused with the unknown code %s: %s", error.code, error)
        self._count += 1

    def clear(self) -> None:
        """It was stored, or the store is away: nothing speaks against the block."""
        self._count = 0
