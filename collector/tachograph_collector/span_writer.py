"""Writes blocks of spans and enters in the books what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tachograph_collector.books import Books, Fates
from tachograph_collector.group_commit import write_bisecting
from tachograph_collector.translate.resource import UNNAMED_SERVICE
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class SpanWriter:
    """Writes each sender's spans of a block by themselves.

    The writer says how many of a batch were stored or known already, and the books count by
    project and sender. Most blocks hold one sender's spans.
    """

    writer: Writer
    books: Books

    def write(self, rows: Sequence[SpanRow]) -> list[bool]:
        """Store a block; says of each row whether it was kept. Raises `StoreError`."""
        senders: dict[tuple[str, str], list[int]] = {}
        for index, row in enumerate(rows):
            sender = (row.project, row.service_name or UNNAMED_SERVICE)
            senders.setdefault(sender, []).append(index)
        kept = [False] * len(rows)
        for (project, source), indexes in senders.items():
            sent = [rows[index] for index in indexes]
            for index, is_kept in zip(indexes, self._write(project, source, sent), strict=True):
                kept[index] = is_kept
        return kept

    def _write(self, project: str, source: str, rows: Sequence[SpanRow]) -> list[bool]:
        def write(part: Sequence[SpanRow]) -> None:
            written = self.writer.write_spans(part)
            fates = Fates()
            fates.stored(source, written.stored)
            fates.duplicate(source, written.duplicates)
            fates.duplicate(source, written.corrections, CORRECTION)
            self.books.enter(project, "spans", fates)

        return write_bisecting(rows, write)
