"""The books of this collector: how many records of each source met which fate.

Every entry that belongs together is added at once, so `received = accepted + rejected` and
`accepted = stored + duplicate` hold at each moment, here and in each written line.
"""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tachograph_collector.translate.limits import expiry, utc
from tachograph_store.rows import LedgerRow

_MAX_SOURCES_PER_PROJECT: Final = 200
OTHER_SOURCES: Final = "(other)"
"""Where records are counted whose source is one too many."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is counted apart."""

    project: str
    source: str
    signal: str  # spans | metrics | logs
    outcome: str  # received | accepted | rejected | stored | duplicate
    reason: str = ""


class Books:
    """Counts since the last line that was written, and totals since the start."""

    def __init__(self, retention_days: int) -> None:
        self.collector = f"{uuid.uuid4()}"
        self._retention_days = retention_days
        self._lock = threading.Lock()
        self._sequence = 0
        self._unwritten: Counter[Account] = Counter()
        self._totals: Counter[Account] = Counter()
        self._sources: dict[str, set[str]] = {}
        self._lines: list[LedgerRow] = []

    def enter(self, project: str, signal: str, fates: "Fates") -> None:
        """Add the fates of one request's records, all or none."""
        with self._lock:
            for (source, outcome, reason), count in fates.counts.items():
                if not count:
                    continue
                account = Account(project, self._known(project, source), signal, outcome, reason)
                self._unwritten[account] += count
                self._totals[account] += count

    def _known(self, project: str, source: str) -> str:
        sources = self._sources.setdefault(project, set())
        if source not in sources:
            if len(sources) >= _MAX_SOURCES_PER_PROJECT:
                return OTHER_SOURCES
            sources.add(source)
        return source

    def lines(self) -> list[LedgerRow]:
        """The lines that must be written now; the same ones again until `written` is called."""
        with self._lock:
            if not self._lines and self._unwritten:
                now = time.time_ns()
                self._sequence += 1
                self._lines = [
                    LedgerRow(
                        project=account.project,
                        collector=self.collector,
                        sequence=self._sequence,
                        source=account.source,
                        signal=account.signal,
                        outcome=account.outcome,
                        reason=account.reason,
                        time=utc(now),
                        count=count,
                        expires_on=expiry(now, self._retention_days),
                    )
                    for account, count in self._unwritten.items()
                ]
                self._unwritten.clear()
            return list(self._lines)

    def written(self) -> None:
        """The lines last given are in the store."""
        with self._lock:
            self._lines.clear()

    def totals(self) -> Mapping[Account, int]:
        """Counts since this process started."""
        with self._lock:
            return dict(self._totals)


class Fates:
    """What became of the records of one request, by source."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str]] = Counter()

    def stored(self, source: str, count: int = 1) -> None:
        """Accepted, and a row of the store."""
        self._accept(source, "stored", count)

    def duplicate(self, source: str, count: int = 1, reason: str = "") -> None:
        """Accepted, and in the store already; reason `correction` when it was replaced."""
        self._accept(source, "duplicate", count, reason)

    def rejected(self, source: str, reason: str, count: int = 1) -> None:
        """Refused with a `RejectReason`."""
        self.counts[source, "received", ""] += count
        self.counts[source, "rejected", reason] += count

    def _accept(self, source: str, outcome: str, count: int, reason: str = "") -> None:
        self.counts[source, "received", ""] += count
        self.counts[source, "accepted", ""] += count
        self.counts[source, outcome, reason] += count
