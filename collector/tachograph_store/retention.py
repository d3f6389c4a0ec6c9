"""How long rows are kept: the settings' days, and what single projects have instead.

Rows carry the date of their end (`expires_on`, `content_expires_on`), set when they are written; the
tables' TTLs refer to it. Spans take their scores with them; content goes with its span at the latest.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from tachograph_store.client import Store
from tachograph_store.columns import Time
from tachograph_store.rows import RetentionRow
from tachograph_store.settings import StoreSettings

MAX_DAYS: Final = 36_500
"""A hundred years: dates of the engine end in 2149."""

CACHE_S: Final = 5.0
"""Seconds after which a writer asks again what a project's days are."""

_MAX_PROJECTS: Final = 10_000
_DAY_NS: Final = 86_400 * 1_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST: Final = date(2149, 6, 6).toordinal()


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that one project's rows are kept, counted from the day of their time (UTC)."""

    spans_days: int  # spans and their scores
    content_days: int  # prompt, completion and context
    readings_days: int  # of GPUs and engines
    rollups_days: int

    @classmethod
    def of(cls, settings: StoreSettings, override: RetentionRow | None = None) -> "Retention":
        """The settings' days, or the project's own where it has some."""
        days = cls(
            spans_days=settings.retention_days,
            content_days=settings.content_retention_days,
            readings_days=settings.readings_retention_days,
            rollups_days=settings.rollups_retention_days,
        )
        if override is not None:
            own = {field.name: getattr(override, field.name) for field in fields(cls)}
            days = replace(days, **{name: value for name, value in own.items() if value})
        return replace(days, content_days=min(days.content_days, days.spans_days))


class Expiry(NamedTuple):
    """Where a table has the time of a row, and which days fill which date."""

    time: str
    columns: Mapping[str, str]  # column -> field of `Retention`


EXPIRIES: Final[Mapping[str, Expiry]] = {
    "spans": Expiry(
        "start_time", {"expires_on": "spans_days", "content_expires_on": "content_days"}
    ),
    "scores": Expiry("span_time", {"expires_on": "spans_days"}),
    "gpu_readings": Expiry("time", {"expires_on": "readings_days"}),
    "engine_readings": Expiry("time", {"expires_on": "readings_days"}),
    "rollups": Expiry("period_start", {"expires_on": "rollups_days"}),
}
"""Tables whose rows are kept as `Retention` says."""

COUNTED: Final = ("spans", "expires_on")
"""The date by which the books count what expired (`tachograph_store.removals`): it is never set before
tomorrow, and never changed once it has come."""


def read_override(store: Store, project: str) -> RetentionRow | None:
    """What the project has instead of the settings; None when it has nothing. Raises `StoreError`."""
    rows = store.rows("retention_override", {"project": project})
    return RetentionRow(**rows[0]) if rows else None


def effective(store: Store, project: str) -> Retention:
    """The days that hold for a project. Raises `StoreError`."""
    return Retention.of(store.settings, read_override(store, project))


def checked_days(days: int) -> int:
    """The same days. Raises `ValueError` outside 1 to 36,500."""
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"{days} days: a retention is 1 to {MAX_DAYS:,} days")
    return days


class RetentionCache:
    """The days of each project that has its own, for writers; safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Retention | None]] = {}

    def own_days(self, project: str) -> Retention | None:
        """The project's days, None where the settings' hold; at most 5 s old. Raises `StoreError`."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(project)
        if known is not None and now - known[0] < CACHE_S:
            return known[1]
        override = read_override(self._store, project)
        days = None if override is None else Retention.of(self._store.settings, override)
        with self._lock:
            if len(self._known) >= _MAX_PROJECTS:
                self._known.clear()
            self._known[project] = (now, days)
        return days

    def stamp(
        self, table: str, names: Sequence[str], values: Sequence[Sequence[Any]]
    ) -> list[Sequence[Any]]:
        """Columns of rows to be written, with the dates of their projects' own days."""
        stamped = list(values)
        expiry = EXPIRIES.get(table)
        if expiry is None:
            return stamped
        projects = values[names.index("project")]
        own = {project: self.own_days(project) for project in set(projects)}
        if not any(own.values()):
            return stamped
        times = values[names.index(expiry.time)]
        for column, field in expiry.columns.items():
            index = names.index(column)
            floor = tomorrow() if (table, column) == COUNTED else date.min
            stamped[index] = [
                given
                if (days := own[project]) is None
                else max(expires(time, getattr(days, field)), floor)
                for project, time, given in zip(projects, times, values[index], strict=True)
            ]
        return stamped


def tomorrow() -> date:
    """The first day (UTC) that has not begun."""
    return datetime.now(UTC).date() + timedelta(days=1)


def expires(time: Time, days: int) -> date:
    """The date from which a row of that time may be deleted."""
    if isinstance(time, datetime):
        first = time.date().toordinal()
    else:
        first = _EPOCH + time // _DAY_NS
    return date.fromordinal(min(first + days, _LAST))
