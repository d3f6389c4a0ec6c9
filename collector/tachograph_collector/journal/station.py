"""The journal of this process as a whole: opened, filled, drained, closed."""

import asyncio
import logging
import time
from dataclasses import dataclass

from tachograph_collector.books import Books
from tachograph_collector.journal.delivery import Delivery
from tachograph_collector.journal.drain import Drain
from tachograph_collector.journal.folder import JournalFolder, claim_left, make_folder
from tachograph_collector.journal.journal import Journal
from tachograph_collector.journal.loop import LULL_S, PAUSE_S, DrainLoop
from tachograph_collector.journal.quarantine import Quarantine
from tachograph_collector.journal.state import State
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.settings import home
from tachograph_store.writer import Writer

_LOGGER = logging.getLogger(__name__)
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class JournalHealth:
    """What was acknowledged and is not in the store yet."""

    bytes: int
    """Of this process's own segments."""
    max_bytes: int
    segments: int
    waiting_records: int
    """Spans, data points and scores in all journals that this process drains."""
    oldest_age_s: float
    drain_problem: str | None
    quarantine_bytes: int
    torn_records: int
    damaged_records: int
    missing_records: int
    journals: int
    """Drained here: the process's own, and those that dead processes left."""
    adopted_journals: int
    """How many of dead processes were taken over since the start."""
    clock_jumps: int
    """How often the wall clock jumped by more than some seconds."""
    quarantine_files: int


class JournalStation:
    """Claims the journals that nobody owns, fills the first and drains them all."""

    def __init__(
        self,
        settings: CollectorSettings,
        link: StoreLink,
        books: Books,
        pause_s: float = PAUSE_S,
        lull_s: float = LULL_S,
    ) -> None:
        """Raises `OSError` when the journal's directory cannot be used."""
        self._settings = settings
        self._books = books
        self._reader = link.reader
        self._writer = Writer(link.writer)
        directory = settings.journal_dir or home() / "journal"
        self._directory = directory
        self._unreadable: set[str] = set()
        try:
            drains = self._adopt() or [self._drain(make_folder(directory))]
        except OSError as error:
            raise OSError(
                f"the journal's directory {directory} cannot be used: {error}; "
                "set TACHOGRAPH_COLLECTOR_JOURNAL_DIR"
            ) from error
        self._own = drains[0]
        self.journal = self._own.journal
        self._loop = DrainLoop(
            drains,
            self._writer,
            link.settings.retention_days,
            settings.ledger_interval_s,
            self._adopt,
            pause_s,
            lull_s,
        )

    def _adopt(self) -> list[Drain]:
        """Of what dead processes left, all that can be read; the rest is tried again."""
        drains: list[Drain] = []
        for folder in claim_left(self._directory):
            name = folder.path.name
            try:
                drains.append(self._drain(folder))
            except OSError as error:
                if name not in self._unreadable:
                    _LOGGER.error("the journal %s cannot be read: %s", folder.path, error)
                self._unreadable.add(name)
                folder.release()
            else:
                self._unreadable.discard(name)
                _LOGGER.info("the journal %s of a process that ended is taken over", name)
        return drains

    def _drain(self, folder: JournalFolder) -> Drain:
        settings = self._settings
        state = State.load(folder.path)
        journal = Journal(
            folder,
            state.position,
            max(state.record, 1),
            max_bytes=settings.journal_max_bytes,
            segment_bytes=settings.journal_segment_bytes,
            retry_after_s=settings.retry_after_s,
            slack_rows=settings.max_block_rows,
        )
        quarantine = Quarantine(folder.quarantine, settings.quarantine_max_bytes)
        return Drain(
            folder=folder,
            journal=journal,
            state=state,
            delivery=Delivery(folder, self._writer, self._reader, quarantine),
            books=self._books,
            max_rows=settings.max_block_rows,
            max_bytes=settings.max_block_bytes,
            refusal_patience_s=settings.refusal_patience_s,
        )

    def start(self) -> None:
        """Begin to drain."""
        self._loop.start()

    def stop(self, deadline_s: float) -> bool:
        """Drain what the store takes in time; False when a statement is still running.

        What is left waits for the next collector with this home.
        """
        self.journal.close()
        has_ended = self._loop.stop(deadline_s)
        if has_ended:
            self._loop.release()
        return has_ended

    def health(self) -> JournalHealth:
        """As of now."""
        drain = self._loop.health()
        return JournalHealth(
            bytes=self.journal.used_bytes,
            max_bytes=self.journal.max_bytes,
            segments=len(self._own.folder.segments()),
            waiting_records=self._loop.waiting().total(),
            oldest_age_s=drain.oldest_age_s,
            drain_problem=drain.problem,
            quarantine_bytes=self._own.delivery.quarantine.size_bytes(),
            torn_records=drain.torn_records,
            damaged_records=drain.damaged_records,
            missing_records=drain.missing_records,
            journals=drain.journals,
            adopted_journals=drain.adopted_journals,
            clock_jumps=drain.clock_jumps,
            quarantine_files=self._own.delivery.quarantine.count(),
        )

    async def settle(self, timeout_s: float) -> bool:
        """Wait until all that was journaled before is stored; False when that takes longer."""
        end = self.journal.end
        deadline = time.monotonic() + timeout_s
        while self._own.state.position < end:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True
