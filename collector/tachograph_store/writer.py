"""Writes rows, each span once."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tachograph_store.client import Store
from tachograph_store.columns import TableColumns, partition_of, read_columns
from tachograph_store.identities import InFlight, identity, minute_of, stored_hashes
from tachograph_store.rows import SpanRow

ROWS_PER_INSERT = 5_000
"""An insert costs about 65 CPU-ms whatever its size; this many rows make it small beside them."""

PARTITIONS_PER_INSERT = 90
"""ClickHouse refuses a block that spans more than 100 partitions."""

_DELETE_OLD = """
DELETE FROM spans
WHERE project = {project:String}
    AND toStartOfMinute(start_time) IN
        (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC'))
    AND trace_id IN {trace_ids:Array(String)}
    AND concat(trace_id, span_id) IN {spans:Array(String)}
    AND version < {version:UInt64}
SETTINGS lightweight_delete_mode = 'lightweight_update'
"""


@dataclass(frozen=True, slots=True)
class SpanWrite:
    """What became of a batch: every row of it is in exactly one of the three."""

    stored: int  # spans that were not there
    duplicates: int  # spans that were there with the same content
    corrections: int  # spans that were there with other content, replaced


class _Clock:
    """Versions that only grow: nanoseconds since the epoch, or one more than the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self) -> tuple[int, datetime]:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return self._last, datetime.fromtimestamp(self._last // 1_000 / 1e6, UTC)


class Writer:
    """Writes rows through a store opened with the role writer; safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clock = _Clock()
        self._in_flight = InFlight()
        self._columns: dict[str, TableColumns] = {}

    def write(self, table: str, rows: Sequence[Any]) -> int:
        """Store rows of any table; a row whose key is stored already replaces it by version.

        Returns the number of rows. When this returns they are stored; when it raises, batches of
        5,000 rows before the failing one are.

        Raises:
            RowRefused: names the table and, when known, the column.
            StoreUnavailable: try again later, with the same rows.
        """
        for batch in batches(table, rows):
            self._insert(table, batch)
        return len(rows)

    def write_spans(self, rows: Sequence[SpanRow]) -> SpanWrite:
        """Store spans, each once, whoever sends them again.

        A known identity with the same content hash is skipped; with another it is a correction,
        stored as a new version, after which the old one is deleted. In between (milliseconds) and
        after a crash there, `FINAL` shows the newest only.

        Raises:
            RowRefused: names the table and, when known, the column.
            StoreUnavailable: try again later, with the same rows.
        """
        stored = duplicates = corrections = 0
        for batch in batches("spans", rows):
            write = self._write_span_batch(batch)
            stored += write.stored
            duplicates += write.duplicates
            corrections += write.corrections
        return SpanWrite(stored, duplicates, corrections)

    def _write_span_batch(self, rows: Sequence[SpanRow]) -> SpanWrite:
        newest = {identity(row): row for row in rows}
        with self._in_flight.claim(set(newest)):
            known = stored_hashes(self._store, list(newest.values()))
            fresh: list[SpanRow] = []
            changed: list[SpanRow] = []
            duplicates = 0
            for key, row in newest.items():
                if key not in known:
                    fresh.append(row)
                elif known[key] == row.content_hash:
                    duplicates += 1
                else:
                    changed.append(row)
            if fresh or changed:
                version = self._insert("spans", [*fresh, *changed])
                self._delete_old(changed, version)
        repeated = [row for row in rows if row is not newest[identity(row)]]
        same = sum(row.content_hash == newest[identity(row)].content_hash for row in repeated)
        return SpanWrite(
            stored=len(fresh),
            duplicates=duplicates + same,
            corrections=len(changed) + len(repeated) - same,
        )

    def _insert(self, table: str, rows: Sequence[Any]) -> int:
        columns = self._columns.get(table)
        if columns is None:
            columns = self._columns[table] = read_columns(self._store, table)
        version, stored_at = self._clock.tick()
        self._store.insert(
            table, columns.names, columns.values(rows, version, stored_at), columns.types
        )
        return version

    def _delete_old(self, rows: Sequence[SpanRow], version: int) -> None:
        for project in sorted({row.project for row in rows}):
            spans = [row for row in rows if row.project == project]
            self._store.command(
                _DELETE_OLD,
                {
                    "project": project,
                    "minutes": sorted({minute_of(row.start_time) for row in spans}),
                    "trace_ids": sorted({row.trace_id for row in spans}),
                    "spans": sorted(row.trace_id + row.span_id for row in spans),
                    "version": version,
                },
            )


def batches(table: str, rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Batches of at most 5,000 rows and 90 partitions; order is kept where partitions allow."""
    if not rows:
        return
    partition = partition_of(table)
    partitions = {partition(row) for row in rows}
    if len(partitions) > PARTITIONS_PER_INSERT:
        rows = sorted(rows, key=partition)
    batch: list[Any] = []
    seen: set[date] = set()
    for row in rows:
        seen.add(partition(row))
        if len(batch) == ROWS_PER_INSERT or len(seen) > PARTITIONS_PER_INSERT:
            yield batch
            batch = []
            seen = {partition(row)}
        batch.append(row)
    yield batch
