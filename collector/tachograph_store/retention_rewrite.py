"""Stored rows get new dates when a project's retention changes.

The state of the job is the rows themselves: those whose date is not what it should be are left to
do. Killed at any moment it goes on where it was; done twice it does nothing. In the same pass the
engine applies its TTLs: content, scores, readings and rollups that have expired by the new dates are
gone when the job is done. Spans go once the books have counted them (`tachograph_store.removals`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.day_rollups import remove_days
from tachograph_store.mutations import MutationProgress, finish_mutations, mutate
from tachograph_store.retention import COUNTED, EXPIRIES, Retention, tomorrow

_LAST_DATE: Final = 65_535  # 2149-06-06; a larger number would begin again in 1970


@dataclass(frozen=True, slots=True)
class _Date:
    """One date column: its value in SQL, and which rows may get it."""

    column: str
    field: str
    value: str
    guard: str = "1"

    @property
    def condition(self) -> str:
        return f"({self.guard} AND {self.column} != {self.value})"

    @property
    def assignment(self) -> str:
        if self.guard == "1":
            return f"{self.column} = {self.value}"
        return f"{self.column} = if({self.guard}, {self.value}, {self.column})"


def rewrite_expiry(store: Store, project: str, days: Retention) -> Iterator[MutationProgress]:
    """Give the project's rows the dates of these days, table by table. Raises `StoreError`."""
    for table in EXPIRIES:
        yield from finish_mutations(store, table)  # those of a job that was killed
        if rows_to_rewrite(store, project, days, table):
            assignments = ", ".join(date.assignment for date in _dates(table))
            yield from mutate(
                store,
                table,
                f"UPDATE {assignments} WHERE project = {{project:String}} AND ({_wrong(table)})",
                _parameters(project, days, table),
            )
    # They were added up from spans that expire on other days now.
    yield from remove_days(store, project)


def rows_to_rewrite(store: Store, project: str, days: Retention, table: str) -> int:
    """Rows of a table whose dates are other ones, replaced versions included. Raises `StoreError`."""
    found = store.query(
        f"SELECT count() AS rows FROM {table} "
        f"WHERE project = {{project:String}} AND ({_wrong(table)})",
        _parameters(project, days, table),
        name="retention_rows",
    )
    return int(found[0]["rows"])


def _dates(table: str) -> list[_Date]:
    expiry = EXPIRIES[table]
    dates = []
    for column, field in expiry.columns.items():
        if (table, column) == COUNTED:
            dates.append(_not_yet_over(column, field, expiry.time))
        else:
            dates.append(_Date(column, field, _value(field, expiry.time)))
    if table == "rollups":  # from when the spans of a minute go, it is not computed again
        dates.append(_not_yet_over("spans_expire_on", "spans_days", expiry.time))
    return dates


def _value(field: str, time: str) -> str:
    days = f"toUInt32(toDate({time})) + {{{field}:UInt32}}"
    return f"toDate(toUInt16(least({days}, {_LAST_DATE})))"


def _not_yet_over(column: str, field: str, time: str) -> _Date:
    value = f"greatest({_value(field, time)}, {{tomorrow:Date}})"
    return _Date(column, field, value, guard=f"{column} >= {{tomorrow:Date}}")


def _wrong(table: str) -> str:
    return " OR ".join(date.condition for date in _dates(table))


def _parameters(project: str, days: Retention, table: str) -> dict[str, Any]:
    fields = {date.field for date in _dates(table)}
    return {
        "project": project,
        "tomorrow": tomorrow(),
        **{field: getattr(days, field) for field in fields},
    }
