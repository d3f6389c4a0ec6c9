"""Draining one journal: block by block into the store, each entered in the books once."""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tachograph_collector.books import Account, Books, Fates
from tachograph_collector.journal.block import (
    DAMAGED,
    Block,
    accepted_of,
    counts_of,
    enter_received,
    merge,
    read_block,
    unpack_readable,
)
from tachograph_collector.journal.codec import Unpacked
from tachograph_collector.journal.delivery import Delivery
from tachograph_collector.journal.folder import JournalFolder
from tachograph_collector.journal.journal import Journal
from tachograph_collector.journal.lines import LedgerLines
from tachograph_collector.journal.record import Record
from tachograph_collector.journal.refusals import Refusals
from tachograph_collector.journal.state import Intent, State, keep_reserve
from tachograph_store.errors import StoreError
from tachograph_store.writer import Writer

_LOGGER = logging.getLogger(__name__)
_FIRST_RETRY_S: Final = 0.25
_LAST_RETRY_S: Final = 5.0
_MAX_ACCOUNTS: Final = 2_000
"""Accounts that may differ from the last lines; with more, new lines are written at once."""


@dataclass(slots=True)
class Losses:
    """What was found broken since the start of this process."""

    torn_records: int = 0
    """Half-written when a process or machine died: never acknowledged."""
    damaged_records: int = 0
    """Records whose bytes were changed behind our back; quarantined."""
    missing_records: int = 0
    """Numbers that no record has."""


@dataclass(slots=True)
class Drain:
    """One journal's way into the store; used by one thread, except for what health reads."""

    folder: JournalFolder
    journal: Journal
    state: State
    delivery: Delivery
    books: Books
    max_rows: int
    max_bytes: int
    losses: Losses = field(default_factory=Losses)
    oldest_ns: int | None = None
    """When the first record of the block being sent was written."""
    rows: int = 0
    """Rows of the last block."""
    has_worked: bool = False
    """Whether the last step drained a block."""
    problem: str | None = None
    """Why this journal does not come on, None while it does."""
    books_problem: str | None = None
    """Why its lines are not written, None while they are."""
    refusal_patience_s: float = 60.0
    _retry_at_s: float = 0.0
    _retry_s: float = _FIRST_RETRY_S
    _refusals: Refusals = field(init=False)
    _begun: Intent | None = None
    _lines: LedgerLines = field(init=False)

    def __post_init__(self) -> None:
        self._refusals = Refusals(self.refusal_patience_s)
        self._lines = LedgerLines(self.folder.path, self.state)
        self._begun = Intent.load(self.folder.path, self.state.block)
        keep_reserve(self.folder.path)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a step: after a failure not at once."""
        return self.problem is None or time.monotonic() >= self._retry_at_s

    def put_off(self, problem: str) -> None:
        """A step has failed; the next is due in a while."""
        self._retry_s = (
            _FIRST_RETRY_S if self.problem is None else min(2 * self._retry_s, _LAST_RETRY_S)
        )
        self._retry_at_s = time.monotonic() + self._retry_s
        self.problem = problem
        self.has_worked = False
        self.journal.pace.failed()

    def step(self) -> None:
        """Drain the next block, if there is one. Raises `StoreError`, `OSError`."""
        self.has_worked = False
        began_s = time.monotonic()
        state = self.state
        block = read_block(
            self.folder,
            state.position,
            self.journal.end,
            max_rows=self.max_rows,
            max_bytes=self.max_bytes,
            stop=None if self._begun is None else self._begun.end,
        )
        self.rows = block.rows
        if not block.records and not block.damages:
            state.position = block.end
            self.problem = None
            self.journal.drained(state.position, Counter())
            return
        if block.records:
            self.oldest_ns = block.records[0].time_ns
        records, strange = unpack_readable(block.records)
        name = f"{state.books}-{state.block:010d}"
        try:
            fates, version = self.delivery.deliver(
                state.books,
                name,
                state.block,
                block.end,
                records,
                merge(records),
                self._begun,
                state.version + 1,
                self._refusals.blaming,
            )
        except StoreError as error:
            # What was sent may have arrived all the same: the next attempt carries this one on.
            self._begun = Intent.load(self.folder.path, state.block)
            self._refusals.note(error)
            raise
        self._refusals.clear()
        for unpacked in records:
            enter_received(fates, unpacked)
        records += self._quarantine_damages(name, block, fates)
        for record in strange:
            _LOGGER.error("record %d of %s cannot be read", record.number, self.folder.path)
            self.losses.damaged_records += 1
            self.delivery.quarantine.keep_record(f"{name}-record{record.number}", record)
            records += self._enter_damaged(record, fates)
        self._note_gap(block)
        state.unwritten.update(fates.counts)
        state.position = block.end
        state.block += 1
        state.version = version
        state.save(self.folder.path)
        self._begun = None
        self.oldest_ns = None
        self.books.enter(fates)
        self.problem = self.books_problem = None  # before anybody sees that nothing waits any more
        self.journal.drained(state.position, accepted_of(records))
        self.journal.pace.drained(block.rows, time.monotonic() - began_s)
        self.has_worked = True

    def _quarantine_damages(self, name: str, block: Block, fates: Fates) -> list[Unpacked]:
        """Keep what was damaged; the counts of those records whose head is sound."""
        found: list[Unpacked] = []
        for index, (number, damage) in enumerate(block.damages):
            if damage.is_torn and number < self.journal.end.segment:
                self.losses.torn_records += 1
                continue
            self.losses.damaged_records += 1
            segment = self.folder.segment(number)
            self.delivery.quarantine.keep_bytes(
                f"{name}-{index}", segment, damage.start, damage.stop
            )
            _LOGGER.error("%s is damaged from byte %d to %d", segment, damage.start, damage.stop)
            if damage.head is not None:
                found += self._enter_damaged(damage.head, fates)
        return found

    def _enter_damaged(self, record: Record, fates: Fates) -> list[Unpacked]:
        try:
            counts = counts_of(record)
        except (ValueError, KeyError, TypeError):
            return []
        enter_received(fates, counts)
        for source, count in counts.accepted.items():
            account = (counts.project, source, counts.signal)
            fates.drained(Account(*account, "quarantined", DAMAGED), count)
        return [counts]

    def _note_gap(self, block: Block) -> None:
        heads = [damage.head.number for _, damage in block.damages if damage.head is not None]
        numbers = [*heads, *(record.number for record in block.records)]
        if numbers:
            expected = max(numbers) + 1 - (self.state.record or min(numbers))
            self.losses.missing_records += max(0, expected - len(numbers))
            self.state.record = max(numbers) + 1

    @property
    def is_empty(self) -> bool:
        """Nothing is left to drain, nor lines to write."""
        return (
            self.state.position >= self.journal.end
            and not self.state.lines
            and not self.state.unwritten
            and not self.state.shown_waiting
        )

    @property
    def needs_lines(self) -> bool:
        """The books changed so much that their lines cannot wait."""
        return len(self.state.unwritten) > _MAX_ACCOUNTS

    def write_books(self, writer: Writer, retention_days: int) -> None:
        """Write the lines that are due. Raises `StoreError`, `OSError`; they come again then.

        A line that comes again is the same line, and counts once.
        """
        if self.state.lines or self._lines.freeze(self.journal.waiting):
            rows = self._lines.rows(retention_days)
            writer.write_block("ledger", rows, self.state.lines_version)
            self._lines.written()
        self.books_problem = None
