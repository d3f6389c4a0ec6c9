"""Blocks: records that lie behind each other, merged for one insert a table."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tachograph_collector.books import Fates
from tachograph_collector.journal.codec import Part, Unpacked, columns_of, unpack
from tachograph_collector.journal.folder import JournalFolder
from tachograph_collector.journal.record import Damage, Record, read_records
from tachograph_collector.journal.state import Position
from tachograph_store.columns import Columns

DAMAGED: Final = "damaged"
"""Reason of quarantined records whose bytes were changed behind our back."""


@dataclass(slots=True)
class Block:
    """What is drained at once."""

    end: Position
    records: list[Record] = field(default_factory=list)
    damages: list[tuple[int, Damage]] = field(default_factory=list)
    """With the number of their segment."""

    @property
    def rows(self) -> int:
        """Rows of all records."""
        return sum(record.rows for record in self.records)


@dataclass(slots=True)
class Table:
    """The rows of one table in a block."""

    columns: Columns
    records: list[int]
    """Of each row the index of its record."""


def read_block(
    folder: JournalFolder,
    start: Position,
    end: Position,
    *,
    max_rows: int,
    max_bytes: int,
    stop: Position | None = None,
) -> Block:
    """The next records, whole ones, within the bounds; the first comes whatever its size.

    `end` is the journal's durable end. With `stop` the block ends there, as it did when it was
    first read. Raises `OSError`.
    """
    block = Block(start)
    rows = size = 0
    limit = stop or end
    while block.end < limit:
        number, offset = block.end
        path = folder.segment(number)
        if path.exists():
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                is_last = number == limit.segment
                segment_end = limit.offset if is_last else os.fstat(descriptor).st_size
                for found, behind in read_records(descriptor, offset, segment_end):
                    if isinstance(found, Damage):
                        block.damages.append((number, found))
                    else:
                        rows += found.rows
                        size += found.size_bytes
                        is_full = rows > max_rows or size > max_bytes
                        if stop is None and block.records and is_full:
                            return block
                        block.records.append(found)
                    block.end = Position(number, behind)
            finally:
                os.close(descriptor)
        if number < limit.segment:
            block.end = Position(number + 1, 0)
    return block


def merge(records: Sequence[Unpacked]) -> dict[str, Table]:
    """The rows of all records by table, in the order of the records."""
    parts: dict[str, list[Part]] = {}
    owners: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        for table, part in record.tables.items():
            parts.setdefault(table, []).append(part)
            owners.setdefault(table, []).extend([index] * part.rows)
    return {
        table: Table(columns_of(table, of_table), owners[table])
        for table, of_table in parts.items()
    }


def unpack_readable(records: Sequence[Record]) -> tuple[list[Unpacked], list[Record]]:
    """What the records say, and those that say nothing this version understands."""
    readable: list[Unpacked] = []
    strange: list[Record] = []
    for record in records:
        try:
            readable.append(unpack(record.meta, record.payload))
        except (ValueError, KeyError, TypeError):
            strange.append(record)
    return readable, strange


def counts_of(record: Record) -> Unpacked:
    """Whose records these were, without their rows."""
    return unpack(record.meta, b"")


def enter_received(fates: Fates, record: Unpacked) -> None:
    """What a record's request was answered."""
    for (source, reason), count in record.rejected.items():
        fates.rejected(record.project, record.signal, source, reason, count)
    for source, count in record.accepted.items():
        fates.accepted(record.project, record.signal, source, count)


def accepted_of(records: Sequence[Unpacked]) -> Counter[tuple[str, str, str]]:
    """Accepted records by project, source and signal."""
    accepted: Counter[tuple[str, str, str]] = Counter()
    for record in records:
        for source, count in record.accepted.items():
            accepted[record.project, source, record.signal] += count
    return accepted
