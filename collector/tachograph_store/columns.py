"""From rows to columns: each table's column types, and the values of many rows column by column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused, RowRefused
from tachograph_store.rows import TABLES

_DAYS = {
    "spans": "start_time",
    "gpu_readings": "time",
    "engine_readings": "time",
    "scores": "span_time",
}
_MONTHS = {"rollups": "period_start", "jobs": "created_at", "ledger": "time"}


_DAY_S: Final = 86_400
_DAY_NS: Final = _DAY_S * 1_000_000_000

Columns = dict[str, Sequence[Any]]
"""The values of many rows, column by column."""

Time = int | datetime
"""A time as rows have it: nanoseconds since the epoch, or an aware datetime."""


@lru_cache(4096)
def _day(number: int) -> date:
    """The day so many days after the epoch began."""
    return datetime.fromtimestamp(number * _DAY_S, UTC).date()


def partition_time(table: str) -> str | None:
    """The field whose day or month is the row's partition; None for a table of one partition."""
    return _DAYS.get(table) or _MONTHS.get(table)


def partition_of(table: str) -> Callable[[Any], date]:
    """A function from a row of `table` to the first day of its partition."""
    name = partition_time(table)
    if name is None:
        return lambda row: date.min
    get = attrgetter(name)
    first_day = partition_of_time(table)
    return lambda row: first_day(get(row))


def partition_of_time(table: str) -> Callable[[Time], date]:
    """A function from the time that places a row of `table` to the first day of its partition."""
    name = partition_time(table)
    is_monthly = table in _MONTHS

    def first_day(time: Time) -> date:
        try:
            if isinstance(time, int):
                day = _day(time // _DAY_NS)
            else:
                day = time.astimezone(UTC).date()
        except (AttributeError, OverflowError, ValueError, OSError) as error:
            raise RowRefused(
                f"{table}.{name}: {time!r} is no time", table=table, column=name
            ) from error
        return day.replace(day=1) if is_monthly else day

    return first_day


OWN_COLUMNS = ("version", "stored_at")
"""Set by the writer when rows are sent."""


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
