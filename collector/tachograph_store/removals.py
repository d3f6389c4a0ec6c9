"""Spans that leave, expired or forgotten: the books count them before they are deleted.

Two tables cannot be changed at one moment, so a row says itself where it belongs, by `expires_on`:

- a day to come: live;
- a day that has come: expired. `enter_expired` counts the days that are over and writes the totals
  together with the last of these days; from then on the books' total stands for them, whether their
  rows are still there or not, and `delete_expired` may delete them.
- a mark, a day before 2000: forgotten. `mark_forgotten` gives it, `enter_forgotten` counts it,
  `delete_forgotten` deletes what was counted.

Nobody may give a row a day before tomorrow but `mark_forgotten`, and nobody may delete a row of
`spans` but these functions: whatever else changes `expires_on` takes the later of its day and
tomorrow (UTC). The caller has the role writer.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.rows import LedgerRow
from tachograph_store.settings import home
from tachograph_store.writer import Writer

COLLECTOR: Final = "removals"
"""`LedgerRow.collector` of what was removed."""
EXPIRED: Final = "expired"
FORGOTTEN: Final = "forgotten"
EXPIRED_THROUGH: Final = "expired_through"
"""Outcome of the line whose count is the last day that was counted, in days since the epoch."""
FORGOTTEN_MARK: Final = "forgotten_mark"
"""Outcome of the line whose count is the last mark that was counted."""

_EPOCH: Final = date(1970, 1, 1)
_FIRST_DAY: Final = date(2000, 1, 2)
_MARKS: Final = 10_000
"""Marks are used in turn: when one comes again, its rows are long deleted."""
_NEVER: Final = date(2149, 6, 6)
_UPDATE: Final = """
ALTER TABLE spans UPDATE expires_on = {{mark:Date}}
WHERE project = {{project:String}} AND expires_on >= {{first:Date}} AND ({condition})
SETTINGS mutations_sync = 1
"""
_DELETE: Final = """
ALTER TABLE spans DELETE
WHERE project = {project:String} AND expires_on >= {first:Date} AND expires_on <= {last:Date}
SETTINGS mutations_sync = 1
"""


@dataclass(frozen=True, slots=True)
class Entered:
    """What the books did with rows that are about to leave."""

    count: int
    """Rows that they count as removed from now on."""
    waiting: int
    """Rows that they do not have as stored yet. Then nothing was entered: come again in some
    seconds, when the collector has written its lines."""


@dataclass(frozen=True, slots=True)
class _Removed:
    totals: Mapping[tuple[str, str], int]  # by source and outcome
    expired_through: date
    mark: int
    version: int


def enter_expired(store: Store, project: str, today: date | None = None) -> Entered:
    """Count the spans whose day of expiry is over, once. Raises `StoreError`.

    Args:
        today: the day (UTC) that is not over yet; for tests.
    """
    last = (today or datetime.now(UTC).date()) - timedelta(days=1)
    with _alone():
        removed = _removed(store, project)
        first = max(removed.expired_through + timedelta(days=1), _FIRST_DAY)
        through = (last - _EPOCH).days
        return _enter(store, project, removed, EXPIRED, first, last, EXPIRED_THROUGH, through)


def expired_through(store: Store, project: str) -> date | None:
    """The last day of expiry whose spans are counted; None when none is. Raises `StoreError`."""
    day = _removed(store, project).expired_through
    return day if day >= _FIRST_DAY else None


def delete_expired(store: Store, project: str) -> None:
    """Delete the spans that were counted as expired. Raises `StoreError`."""
    through = expired_through(store, project)
    if through is not None:
        parameters = {"project": project, "first": _FIRST_DAY, "last": through}
        store.command(_DELETE, parameters)


def mark_forgotten(
    store: Store, project: str, condition: str, parameters: Mapping[str, Any]
) -> None:
    """Say of the spans that meet a condition that they are to be forgotten. Raises `StoreError`.

    Spans that expired and were counted are deleted first. Rows that arrive meanwhile are not met:
    repeat it until no row meets the condition.

    Args:
        condition: SQL over columns of `spans`, with server-side parameters; never a caller's text.
    """
    with _alone():
        delete_expired(store, project)
        removed = _removed(store, project)
        first = max(removed.expired_through + timedelta(days=1), _FIRST_DAY)
        own = {"project": project, "mark": _next_mark(removed.mark), "first": first}
        store.command(_UPDATE.format(condition=condition), {**parameters, **own})


def enter_forgotten(store: Store, project: str) -> Entered:
    """Count the marked spans, once. Raises `StoreError`."""
    with _alone():
        removed = _removed(store, project)
        mark = _next_mark(removed.mark)
        number = (mark - _EPOCH).days
        return _enter(store, project, removed, FORGOTTEN, mark, mark, FORGOTTEN_MARK, number)


def delete_forgotten(store: Store, project: str) -> None:
    """Delete the spans that were counted as forgotten. Raises `StoreError`."""
    mark = _removed(store, project).mark
    if mark:
        day = _EPOCH + timedelta(days=mark)
        store.command(_DELETE, {"project": project, "first": day, "last": day})


def _enter(
    store: Store,
    project: str,
    removed: _Removed,
    outcome: str,
    first: date,
    last: date,
    limit: str,
    limit_number: int,
) -> Entered:
    leaving = store.rows("ledger_leaving", {"project": project, "first": first, "last": last})
    waiting = sum(row["waiting"] for row in leaving)
    counts = {row["source"]: row["entered"] for row in leaving if row["entered"]}
    if waiting or (not counts and outcome == FORGOTTEN) or last < first:
        return Entered(0, waiting)
    version = max(removed.version + 1, time.time_ns())
    lines = [_line(project, 0, "", limit, limit_number)]
    for source, count in counts.items():
        total = removed.totals.get((source, outcome), 0) + count
        lines.append(_line(project, 0, source, outcome, total))
        lines.append(_line(project, version, source, outcome, count))
    Writer(store).write_block("ledger", lines, version)
    return Entered(sum(counts.values()), 0)


def _line(project: str, sequence: int, source: str, outcome: str, count: int) -> LedgerRow:
    now = datetime.now(UTC)
    return LedgerRow(
        project=project,
        collector=COLLECTOR,
        sequence=sequence,
        source=source,
        signal="spans",
        outcome=outcome,
        time=now,
        count=count,
        expires_on=_NEVER,
    )


def _removed(store: Store, project: str) -> _Removed:
    rows = store.rows("ledger_removed", {"project": project})
    limits = {row["outcome"]: row["total"] for row in rows if not row["source"]}
    return _Removed(
        totals={(row["source"], row["outcome"]): row["total"] for row in rows},
        expired_through=_EPOCH + timedelta(days=limits.get(EXPIRED_THROUGH, 0)),
        mark=limits.get(FORGOTTEN_MARK, 0),
        version=max((row["last_version"] for row in rows), default=0),
    )


def _next_mark(mark: int) -> date:
    return _EPOCH + timedelta(days=mark % _MARKS + 1)


@contextmanager
def _alone() -> Iterator[None]:
    """Two that count the same rows at one time would count them twice."""
    descriptor = os.open(home() / "removals.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
