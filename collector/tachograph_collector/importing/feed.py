"""The way of imported rows into the store: a journal of this process's own, drained here."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from tachograph.semconv.values import RejectReason
from tachograph_collector.books import Books
from tachograph_collector.errors import ApiError
from tachograph_collector.importing.batch import Batch
from tachograph_collector.journal.codec import Draft, Packed, pack
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.errors import StoreUnavailable
from tachograph_store.settings import StoreSettings

_FULL: Final = 503
_ROWS_PER_RECORD: Final = 1_000
_WAIT_S: Final = 0.2
_STOP_S: Final = 60.0


@dataclass(slots=True)
class Fed:
    """What went in, by signal; and what was refused, by signal and reason."""

    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)


class Feed:
    """Takes batches of one project; `finish` returns when the store has them.

    Raises `StoreUnavailable` when the store takes nothing for `patience_s`; what was journaled until
    then stays there, and the next collector or import of this home stores it.
    """

    def __init__(
        self,
        project: str,
        settings: CollectorSettings,
        store_settings: StoreSettings,
        patience_s: float,
    ) -> None:
        self.fed = Fed()
        self._project = project
        self._patience_s = patience_s
        self._link = StoreLink(store_settings)
        self._books = Books()
        self._station = JournalStation(settings, self._link, self._books)
        self._station.start()

    def put(self, batch: Batch) -> None:
        """Journal a batch. Raises `StoreUnavailable`, `ApiError`, `OSError`."""
        for (source, reason), count in batch.rejected.items():
            self._reject(batch.signal, source, reason, count)
        for table, rows in batch.tables.items():
            sources = batch.sources[table]
            for start in range(0, len(rows), _ROWS_PER_RECORD):
                stop = start + _ROWS_PER_RECORD
                self._put_rows(batch.signal, table, rows[start:stop], sources[start:stop])

    def _reject(self, signal: str, source: str, reason: str, count: int) -> None:
        self.fed.rejected[signal, reason] += count
        draft = Draft(self._project, signal)
        draft.rejected[self._books.source_name(self._project, source), reason] += count
        self._append(pack(draft))

    def _put_rows(self, signal: str, table: str, rows: Any, sources: Any) -> None:
        names = [self._books.source_name(self._project, source) for source in sources]
        # Data points have no source each: a record is of one.
        groups = [None] if signal != "metrics" else sorted(set(names))
        for group in groups:
            kept = [row for row, name in zip(rows, names, strict=True) if group in (None, name)]
            own = names if group is None else [group] * len(kept)
            draft = Draft(
                self._project,
                signal,
                Counter(own),
                tables={table: kept},
                sources=() if signal == "metrics" else own,
            )
            try:
                packed = pack(draft)
            except (TypeError, ValueError):
                self._put_one_by_one(signal, table, kept, own)
            else:
                self._append(packed)
                self.fed.accepted[signal] += len(kept)

    def _put_one_by_one(self, signal: str, table: str, rows: Any, sources: Any) -> None:
        """Some row has a value that JSON cannot hold: only that one is refused."""
        if len(rows) == 1:
            self._reject(signal, sources[0], RejectReason.BAD_VALUE, 1)
            return
        middle = len(rows) // 2
        self._put_rows(signal, table, rows[:middle], sources[:middle])
        self._put_rows(signal, table, rows[middle:], sources[middle:])

    def _append(self, packed: Packed) -> None:
        progress = _Progress(self._station, self._patience_s)
        while True:
            try:
                self._station.journal.admit(packed)
                break
            except ApiError as error:
                if error.status != _FULL:
                    raise
            progress.check()
            time.sleep(_WAIT_S)
        self._station.journal.append([packed])

    def finish(self) -> None:
        """Return when everything is in the store. Raises `StoreUnavailable`."""
        progress = _Progress(self._station, self._patience_s)
        while not asyncio.run(self._station.settle(_WAIT_S)):
            progress.check()

    def outcomes(self) -> Counter[tuple[str, str, str]]:
        """What the store did with them: records by signal, outcome and reason."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for account, count in self._books.totals().items():
            if account.project == self._project:
                counts[account.signal, account.outcome, account.reason] += count
        return counts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._station.stop(_STOP_S):
            self._link.close()


class _Progress:
    """Tells a slow store from one that is away."""

    def __init__(self, station: JournalStation, patience_s: float) -> None:
        self._station = station
        self._patience_s = patience_s
        self._waiting = -1
        self._since = time.monotonic()

    def check(self) -> None:
        """Raises `StoreUnavailable` when nothing was drained for too long."""
        health = self._station.health()
        if health.waiting_records != self._waiting:
            self._waiting, self._since = health.waiting_records, time.monotonic()
        elif time.monotonic() - self._since > self._patience_s:
            raise StoreUnavailable(
                f"{health.waiting_records} records wait in the journal and the store takes none: "
                f"{health.drain_problem or 'another process holds it up'}. They are kept: run the "
                "same command again, or start the collector"
            )
