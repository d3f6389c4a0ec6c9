"""From rows to columns: each table's column types, and the values of many rows column by column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused
from tachograph_store.rows import TABLES

PARTITION_TIMES: Mapping[str, str] = {
    "spans": "start_time",
    "gpu_readings": "time",
    "engine_readings": "time",
    "scores": "span_time",
    "rollups": "minute",
    "jobs": "created_at",
    "ledger": "time",
}
"""Table -> the field whose month is the row's partition."""


Columns = dict[str, Sequence[Any]]
"""The values of many rows, column by column."""


def partition_of(table: str) -> Callable[[Any], tuple[int, int]]:
    """A function from a row of `table` to its (year, month) partition."""
    name = PARTITION_TIMES.get(table)
    if name is None:
        return lambda row: (0, 0)
    get = attrgetter(name)
    return lambda row: month_of(get(row))


def month_of(time: int | datetime) -> tuple[int, int]:
    """Year and month of a datetime, or of nanoseconds since the epoch."""
    if isinstance(time, int):
        time = datetime.fromtimestamp(time // 1_000_000_000, UTC)
    return time.year, time.month


class TableColumns:
    """The columns of one table: names, types, and how to take them out of rows."""

    def __init__(self, table: str, types: Mapping[str, str]) -> None:
        self.table = table
        self.names: Sequence[str] = [field.name for field in fields(TABLES[table])]
        missing = [name for name in self.names if name not in types]
        if missing:
            raise QueryRefused(
                f"the table {table} has no column {missing[0]!r}: run `tachograph migrate`"
            )
        self.types: Sequence[str] = [types[name] for name in self.names]
        self._values = attrgetter(*self.names)
        self._version = self.names.index("version")
        self._stored_at = self.names.index("stored_at") if "stored_at" in self.names else None

    def values(self, rows: Sequence[Any], version: int, stored_at: datetime) -> list[Sequence[Any]]:
        """The values of `rows` column by column, with the writer's own two columns filled in."""
        columns: list[Sequence[Any]] = list(zip(*map(self._values, rows), strict=True))
        return self._with_own(columns, len(rows), version, stored_at)

    def of(self, columns: Columns, version: int, stored_at: datetime) -> list[Sequence[Any]]:
        """The same of rows that come column by column already."""
        values = [columns[name] for name in self.names]
        return self._with_own(values, len(values[0]), version, stored_at)

    def _with_own(
        self, columns: list[Sequence[Any]], count: int, version: int, stored_at: datetime
    ) -> list[Sequence[Any]]:
        columns[self._version] = [version] * count
        if self._stored_at is not None:
            columns[self._stored_at] = [stored_at] * count
        return columns


def read_columns(store: Store, table: str) -> TableColumns:
    """Ask the engine for a table's column types."""
    rows = store.query(
        "SELECT name, type FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String}",
        {"table": table},
    )
    return TableColumns(table, {row["name"]: row["type"] for row in rows})
