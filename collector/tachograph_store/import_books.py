"""Books for spans that come by another way than a collector's journal."""

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tachograph_store.rows import LedgerRow, SpanRow
from tachograph_store.span_plan import CORRECTION, DUPLICATE, STORED, SUPERSEDED
from tachograph_store.writer import SpanWrite, Writer, batches

UNNAMED: Final = "unknown_service"
"""Source of spans that name no service, as OTel calls it."""
_OUTCOMES: Final = {
    STORED: ("stored", ""),
    DUPLICATE: ("duplicate", ""),
    CORRECTION: ("duplicate", "correction"),
    SUPERSEDED: ("duplicate", "correction"),
}
_NEVER: Final = date(2149, 6, 6)


class ImportBooks:
    """Writes spans of one project, and enters each chunk in books of its own.

    With a chunk that was interrupted between its spans and its lines nothing is lost: its spans are
    in the store, counted as not entered; writing them again counts them as duplicates.
    """

    def __init__(self, writer: Writer, project: str) -> None:
        self._writer = writer
        self._project = project
        self._collector = f"import:{uuid.uuid4()}"
        self._block = 0
        self._version = 0
        self._totals: Counter[tuple[str, str, str]] = Counter()

    def write(self, rows: Sequence[SpanRow]) -> SpanWrite:
        """Store spans, each once; raises as `Writer.write_spans`. No row expires before tomorrow."""
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        booked = [
            replace(
                row,
                booked_by=self._collector,
                booked_block=self._block,
                booked_source=row.service_name or UNNAMED,
                expires_on=max(row.expires_on, tomorrow),
            )
            for row in rows
        ]
        chunk: Counter[tuple[str, str, str]] = Counter()
        fates = ""
        for batch in batches("spans", booked):
            write = self._writer.write_spans(batch)
            fates += write.fates
            for row, fate in zip(batch, write.fates, strict=True):
                chunk[row.booked_source, "received", ""] += 1
                chunk[row.booked_source, "accepted", ""] += 1
                chunk[row.booked_source, *_OUTCOMES[fate]] += 1
        self._block += 1
        self._enter(chunk)
        stored, duplicates = fates.count(STORED), fates.count(DUPLICATE)
        return SpanWrite(stored, duplicates, len(fates) - stored - duplicates, fates)

    def _enter(self, chunk: Counter[tuple[str, str, str]]) -> None:
        self._version = max(self._version + 1, time.time_ns())
        self._totals.update(chunk)
        lines = [self._line(0, ("", "block", ""), self._block)]
        for account, count in (+chunk).items():
            lines.append(self._line(0, account, self._totals[account]))
            lines.append(self._line(self._version, account, count))
        self._writer.write_block("ledger", lines, self._version)

    def _line(self, sequence: int, account: tuple[str, str, str], count: int) -> LedgerRow:
        source, outcome, reason = account
        return LedgerRow(
            project=self._project,
            collector=self._collector,
            sequence=sequence,
            source=source,
            signal="spans",
            outcome=outcome,
            reason=reason,
            time=datetime.now(UTC),
            count=count,
            expires_on=_NEVER,
        )
