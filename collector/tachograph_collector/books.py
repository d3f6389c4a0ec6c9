"""The books: how many records of each source met which fate.

They follow from the journal: each record carries what its request was answered, and the drain
enters it together with what became of the rows. So `received = accepted + rejected` and
`accepted = stored + duplicate + quarantined` hold for what was drained, at every moment.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

_MAX_SOURCES_PER_PROJECT: Final = 200
OTHER_SOURCES: Final = "(other)"
"""Where records are counted whose source is one too many."""
CORRECTION: Final = "correction"
"""Reason of a duplicate that replaced what was stored."""


class Account(NamedTuple):
    """What is counted apart."""

    project: str
    source: str
    signal: str  # spans | metrics | logs
    outcome: str  # received | accepted | rejected | stored | duplicate | quarantined | waiting
    reason: str = ""


class Fates:
    """What became of some records."""

    def __init__(self) -> None:
        self.counts: Counter[Account] = Counter()

    def accepted(self, project: str, signal: str, source: str, count: int) -> None:
        """Received, and kept in the journal."""
        self.counts[Account(project, source, signal, "received")] += count
        self.counts[Account(project, source, signal, "accepted")] += count

    def rejected(self, project: str, signal: str, source: str, reason: str, count: int) -> None:
        """Received, and refused with a `RejectReason`."""
        self.counts[Account(project, source, signal, "received")] += count
        self.counts[Account(project, source, signal, "rejected", reason)] += count

    def drained(self, account: Account, count: int = 1) -> None:
        """Accepted records came out of the journal: stored, duplicate or quarantined."""
        self.counts[account] += count


class Books:
    """Totals since the start of this process, and the names under which sources are counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[Account] = Counter()
        self._sources: dict[str, set[str]] = {}

    def source_name(self, project: str, source: str) -> str:
        """The source, or one name for all that are too many: strangers cannot fill the books."""
        with self._lock:
            sources = self._sources.setdefault(project, set())
            if source not in sources:
                if len(sources) >= _MAX_SOURCES_PER_PROJECT:
                    return OTHER_SOURCES
                sources.add(source)
            return source

    def enter(self, fates: Fates) -> None:
        """Add the fates of one block, all or none."""
        with self._lock:
            self._totals.update(fates.counts)

    def totals(self) -> Mapping[Account, int]:
        """Counts since this process started."""
        with self._lock:
            return dict(self._totals)
