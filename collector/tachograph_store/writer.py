"""Writes rows, each span once."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b
from itertools import chain
from operator import attrgetter
from typing import Any

from tachograph_store import native
from tachograph_store.client import Store
from tachograph_store.columns import (
    OWN_COLUMNS,
    Columns,
    TableColumns,
    partition_of,
    partition_of_time,
    partition_time,
    read_columns,
)
from tachograph_store.errors import StoreUnavailable
from tachograph_store.forget_markers import ForgetMarkers
from tachograph_store.identities import Booking, InFlight, SpanKey, minute_of, stored_spans
from tachograph_store.retention import RetentionCache
from tachograph_store.rows import SpanRow
from tachograph_store.span_plan import (
    CORRECTION,
    DUPLICATE,
    STORED,
    SpanPlan,
    plan_spans,
    resumed_plan,
)

ROWS_PER_INSERT = 10_000
"""An insert costs about 65 CPU-ms whatever its size, and the part it makes costs its merges: the engine
takes 100 µs a span with its merges in inserts of 5,000, 74 in those of 10,000, 70 in those of 20,000."""

PackedColumns = Mapping[str, bytes]
"""Columns as a Native block has them, by name."""

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
_RUNNING_INSERTS = """
SELECT query_id FROM system.processes
WHERE query_kind = 'Insert' AND match(query, '^INSERT INTO (`?default`?\\\\.)?`?spans`?[ (]')
"""
_POLL_S = 0.05
_DAY_NS = 86_400 * 1_000_000_000
_key_of_row = attrgetter(*SpanKey._fields)


@dataclass(frozen=True, slots=True)
class SpanWrite:
    """What became of a batch: every row of it is in exactly one of the three."""

    stored: int  # spans that were not there
    duplicates: int  # spans that were there with the same content
    corrections: int  # spans that were there with other content, replaced
    fates: str = field(default="", compare=False)  # a letter of `span_plan` a row, in their order


class _Clock:
    """Versions that only grow: nanoseconds since the epoch, or one more than the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self, floor: int = 0) -> int:
        with self._lock:
            self._last = max(self._last + 1, floor, time.time_ns())
            return self._last


class Writer:
    """Writes rows through a store opened with the role writer; safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clock = _Clock()
        self._in_flight = InFlight()
        self._retention = RetentionCache(store)
        self.markers = ForgetMarkers(store)
        self._columns: dict[str, TableColumns] = {}

    def write(self, table: str, rows: Sequence[Any]) -> int:
        """Store rows of any table; a row whose key is stored already replaces it by version.

        Returns the number of rows. When this returns they are stored, but for scores of users who
        were forgotten meanwhile; when it raises, batches of 10,000 rows before the failing one are.

        Raises:
            RowRefused: names the table and, when known, the column.
            StoreUnavailable: try again later, with the same rows.
        """
        kept = self.markers.kept_scores(rows) if table == "scores" else rows
        for batch in batches(table, kept):
            columns = self._table(table)
            version = self._clock.tick()
            self._insert(columns, columns.values(batch, version, datetime.now(UTC)))
        return len(rows)

    def write_columns(
        self, table: str, columns: Columns, indexes: Sequence[int], version: int
    ) -> None:
        """Store those rows of `columns` under one version; raises as `write`."""
        for batch in _index_batches(table, columns, indexes):
            self._insert_columns(table, columns, batch, version, "")

    def write_block(self, table: str, rows: Sequence[Any], version: int) -> None:
        """Store rows of one partition together or not at all, under one version; raises as `write`."""
        columns = self._table(table)
        self._insert(columns, columns.values(rows, version, datetime.now(UTC)))

    def write_spans(self, rows: Sequence[SpanRow]) -> SpanWrite:
        """Store spans, each once, whoever sends them again.

        A known identity with the same content hash is skipped; with another it is a correction,
        stored as a new version, after which the old one is deleted. In between (milliseconds) and
        after a crash there, `FINAL` shows the newest only.

        Raises:
            RowRefused: names the table and, when known, the column.
            StoreUnavailable: try again later, with the same rows.
        """
        fates = ""
        for batch in batches("spans", rows):
            names = self._table("spans").names
            values = zip(*map(attrgetter(*names), batch), strict=True)
            columns: Columns = dict(zip(names, values, strict=True))
            keys = [SpanKey(*_key_of_row(row)) for row in batch]
            with self._in_flight.claim({key.identity for key in keys}):
                plan = self.plan_spans(keys)
                self.send_spans(columns, keys, plan, plan.sent)
            fates += plan.fates
        stored, duplicates = fates.count(STORED), fates.count(DUPLICATE)
        return SpanWrite(stored, duplicates, len(fates) - stored - duplicates, fates)

    def plan_spans(self, keys: Sequence[SpanKey], version_floor: int = 0) -> SpanPlan:
        """Ask which spans are stored, and decide on each. Raises `StoreError`.

        Until the plan is carried out, nobody else may write any of these spans.
        """
        return plan_spans(keys, stored_spans(self._store, keys), self._clock.tick(version_floor))

    def resume(
        self, keys: Sequence[SpanKey], fates: str, version: int, own: tuple[str, int]
    ) -> tuple[SpanPlan, list[int]]:
        """A plan that an earlier attempt kept, and its rows that have not arrived yet.

        `own` are the books and the block of that attempt. Raises `StoreError`.
        """
        return resumed_plan(fates, version, keys, stored_spans(self._store, keys), own)

    def await_inserts(self, deadline_s: float) -> None:
        """Return when the inserts of spans that run now have ended.

        One whose sender died may still arrive, and a look-up before that would not find its rows.

        Raises:
            StoreUnavailable: one runs on past the deadline, or the store does not answer.
        """
        deadline = time.monotonic() + deadline_s
        begun = self._running_inserts()
        while begun & self._running_inserts():
            if time.monotonic() > deadline:
                raise StoreUnavailable("an insert of spans by a process that died is still running")
            time.sleep(_POLL_S)

    def _running_inserts(self) -> set[str]:
        return {row["query_id"] for row in self._store.query(_RUNNING_INSERTS)}

    def pack_spans(self, columns: Columns) -> PackedColumns:
        """What of an insert of all these rows does not depend on a plan, made before anybody waits.

        Empty where they are no single insert, or where a value does not fit: whoever sends says so.
        Raises `StoreError`.
        """
        target = self._table("spans")
        values = [columns[name] for name in target.names]
        if len(values[0]) > ROWS_PER_INSERT or not all(map(native.is_known, target.types)):
            return {}
        values = self._retention.stamp(target.table, target.names, values)
        packed: dict[str, bytes] = {}
        for name, type_name, of_column in zip(target.names, target.types, values, strict=True):
            if name not in OWN_COLUMNS:
                try:
                    packed[name] = native.column(name, type_name, of_column)
                except native.PACKING_ERRORS:
                    return {}
        return packed

    def send_spans(
        self,
        columns: Columns,
        keys: Sequence[SpanKey],
        plan: SpanPlan,
        indexes: Sequence[int],
        packed: PackedColumns | None = None,
    ) -> None:
        """Store those rows of a plan; sending rows of the same plan again stores them once.

        `packed` are the columns as `pack_spans` made them, for when all of the rows go. The engine drops a block whose token it knows: an insert that was still running when its
        sender died, or gave up, and the same insert again meet there.

        Raises:
            RowRefused: names the table and, when known, the column.
            StoreUnavailable: try again later, with the same rows.
        """
        columns = keep_bookings(columns, plan)
        for batch in _index_batches("spans", columns, indexes):
            is_whole = len(batch) == len(keys) and not plan.bookings
            spans = "\0".join(chain.from_iterable(keys[index][:3] for index in batch))
            digest = blake2b(f"{plan.version}\0{spans}".encode(), digest_size=16)
            self._insert_columns(
                "spans",
                columns,
                batch,
                plan.version,
                digest.hexdigest(),
                packed if is_whole else None,
            )
            corrected = [keys[index] for index in batch if plan.fates[index] == CORRECTION]
            self.delete_older(corrected, plan.version)

    def delete_older(self, keys: Sequence[SpanKey], version: int) -> None:
        """Delete the versions below `version` of corrected spans. Raises `StoreError`."""
        for project in sorted({key.project for key in keys}):
            spans = [key for key in keys if key.project == project]
            self._store.command(
                _DELETE_OLD,
                {
                    "project": project,
                    "minutes": sorted({minute_of(key.start_time) for key in spans}),
                    "trace_ids": sorted({key.trace_id for key in spans}),
                    "spans": sorted(key.trace_id + key.span_id for key in spans),
                    "version": version,
                },
            )

    def _table(self, table: str) -> TableColumns:
        columns = self._columns.get(table)
        if columns is None:
            columns = self._columns[table] = read_columns(self._store, table)
        return columns

    def _insert_columns(
        self,
        table: str,
        columns: Columns,
        indexes: Sequence[int],
        version: int,
        token: str,
        packed: PackedColumns | None = None,
    ) -> None:
        target = self._table(table)
        if len(indexes) < len(columns[target.names[0]]):
            columns = {
                name: [values[index] for index in indexes] for name, values in columns.items()
            }
        self._insert(target, target.of(columns, version, datetime.now(UTC)), token, packed)

    def _insert(
        self,
        target: TableColumns,
        values: list[Sequence[Any]],
        token: str = "",
        packed: PackedColumns | None = None,
    ) -> None:
        if not packed:
            values = self._retention.stamp(target.table, target.names, values)
        self._store.insert(target.table, target.names, values, target.types, token, packed)


def keep_bookings(columns: Columns, plan: SpanPlan) -> Columns:
    """The columns, in which corrections stay where the books have the span."""
    if not plan.bookings:
        return columns
    changed: dict[str, list[Any]] = {name: list(columns[name]) for name in Booking._fields}
    for index, booking in plan.bookings.items():
        for name, value in zip(Booking._fields, booking, strict=True):
            changed[name][index] = value
    return {**columns, **changed}


def batches(table: str, rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Batches of at most 10,000 rows and 90 partitions; order is kept where partitions allow."""
    partitions = list(map(partition_of(table), rows))
    for batch in _bounded(partitions, range(len(rows))):
        yield [rows[index] for index in batch]


def _index_batches(table: str, columns: Columns, indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    """The same of rows that come column by column."""
    name = partition_time(table)
    if name is None:
        yield from _bounded([date.min] * len(indexes), indexes)
        return
    partition = partition_of_time(table)
    times = columns[name]
    if len(indexes) < len(times):
        times = [times[index] for index in indexes]
    if set(map(type, times)) == {int}:
        # One question a day, not one a row.
        firsts = {time // _DAY_NS: time for time in times}
        days = {day: partition(time) for day, time in firsts.items()}
        yield from _bounded([days[time // _DAY_NS] for time in times], indexes)
        return
    yield from _bounded(list(map(partition, times)), indexes)


def _bounded(partitions: Sequence[date], indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    if not indexes:
        return
    is_few = len(set(partitions)) <= PARTITIONS_PER_INSERT
    if is_few and len(indexes) <= ROWS_PER_INSERT:
        yield indexes
        return
    pairs = list(zip(partitions, indexes, strict=True))
    if not is_few:
        pairs.sort()
    batch: list[int] = []
    seen: set[date] = set()
    for partition, index in pairs:
        seen.add(partition)
        if len(batch) == ROWS_PER_INSERT or len(seen) > PARTITIONS_PER_INSERT:
            yield batch
            batch = []
            seen = {partition}
        batch.append(index)
    yield batch
