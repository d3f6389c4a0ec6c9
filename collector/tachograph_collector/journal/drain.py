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
from tachograph_collector.journal.journal import Journal, Waiting
from tachograph_collector.journal.record import Record
from tachograph_collector.journal.state import Intent, Line, State, keep_reserve
from tachograph_collector.translate.limits import expiry, utc
from tachograph_store.rows import LedgerRow
from tachograph_store.writer import Writer

_LOGGER = logging.getLogger(__name__)
_MAX_ACCOUNTS: Final = 2_000
"""Accounts that may differ from the last lines; with more, new lines are written at once."""
GAUGE_SEQUENCE: Final = 0
"""`LedgerRow.sequence` of what is waiting: a newer line replaces it, others add up."""


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
    """One journal's way into the store; used by one thread, except for what `lag_s` reads."""

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
    _begun: Intent | None = None

    def __post_init__(self) -> None:
        self._begun = Intent.load(self.folder.path, self.state.block)
        keep_reserve(self.folder.path)

    def step(self) -> bool:
        """Drain the next block; False when there is none. Raises `StoreError`, `OSError`."""
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
            self.journal.drained(state.position, Counter())
            return False
        if block.records:
            self.oldest_ns = block.records[0].time_ns
        records, strange = unpack_readable(block.records)
        name = f"{state.books}-{state.block:010d}"
        fates, version = self.delivery.deliver(
            state.books,
            name,
            state.block,
            block.end,
            records,
            merge(records),
            self._begun,
            state.version + 1,
        )
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
        self.journal.drained(state.position, accepted_of(records))
        return True

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

        Lines are kept in the state before they are sent, so that a crash repeats the same ones,
        and a repeated line counts once.
        """
        state = self.state
        if not state.lines:
            state.lines = self._new_lines(self.journal.waiting)
            if not state.lines:
                return
            state.unwritten.clear()
            state.save(self.folder.path)
        writer.write("ledger", [_ledger_row(state, line, retention_days) for line in state.lines])
        state.lines = []
        state.save(self.folder.path)

    def _new_lines(self, waiting: Waiting) -> list[Line]:
        state = self.state
        gauge: Counter[Account] = Counter()
        for account, count in waiting.items():
            for outcome in ("received", "accepted", "waiting"):
                gauge[Account(*account, outcome)] = count
        changed = [
            account for account in {*gauge, *state.shown_waiting}
            if gauge[account] != state.shown_waiting[account]
        ]  # fmt: skip
        if not changed and not state.unwritten:
            return []
        now = time.time_ns()
        state.sequence += 1
        lines = [
            Line(account, state.sequence, now, count)
            for account, count in state.unwritten.items()
            if count
        ]
        lines += [Line(account, GAUGE_SEQUENCE, now, gauge[account]) for account in changed]
        state.shown_waiting = +gauge
        return lines


def _ledger_row(state: State, line: Line, retention_days: int) -> LedgerRow:
    account = line.account
    return LedgerRow(
        project=account.project,
        collector=state.books,
        sequence=line.sequence,
        source=account.source,
        signal=account.signal,
        outcome=account.outcome,
        reason=account.reason,
        time=utc(line.time_ns),
        count=line.count,
        expires_on=expiry(line.time_ns, retention_days),
    )
