"""Rollups: totals of each minute and hour, computed again from the spans where these have changed.

What is added up anywhere is added up from spans that are each there once: no sum is ever continued.
The job looks for spans stored since its cursor, and once nothing more was stored for a minute during
`SETTLING`, computes the minute from its spans and replaces its rows; hours follow from their minutes.
Readers (`queries.counted`) take a minute from its spans as long as the job has not come to it, so
their numbers hold at every moment, before the job as after it.

The job may die between any two statements: the cursor moves last, and what was done is done again
to the same end. Two jobs at once do the same work twice and no harm: each replaces a minute by what
the spans said when its statement began, and a later statement has a higher version. One at a time is
cheaper, so whoever runs it holds a lock of the machine (`exclusive_job`).

Histogram bucket 0 holds zero, bucket n the nanoseconds in [1.04^(n-1), 1.04^n), up to bucket 1000.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from tachograph_store.client import Store
from tachograph_store.day_rollups import DayRollups, day_of, days_between, days_told
from tachograph_store.message_events import OF_EVENTS
from tachograph_store.named import query_text
from tachograph_store.retention import effective

SETTLING: Final = timedelta(seconds=180)
"""How long after `stored_at` a span may become visible: an insert waits up to 30 s for a connection
and runs up to 60 s, and the machines' clocks differ by some seconds."""

MAX_GROUPS: Final = 1_000
"""A minute of more combinations of model, tenant, variant, operation and currency keeps its total
only: its rollup would be hardly smaller than its spans, which readers then take instead."""

CHILD_EARLY_S: Final = 60
"""How much before a client span the span of the proxy that it called may begin: clocks differ."""

CHILD_LATE_S: Final = 600
"""How long after a client span the span of the proxy that it called may begin."""

CHILD_MINUTES: Final = (CHILD_EARLY_S + CHILD_LATE_S) // 60 + 1
"""Minutes in which the proxy may have seen what a client span of one minute called."""

_RESTS: Final = 3
"""Settling times for which a day is left alone after it changed: days are dear to compute."""

_SPANS_PER_STATEMENT: Final = 200_000
_MINUTES_PER_QUESTION: Final = 2_000  # they stand in a URL of 64 kB
_MINUTES_PER_STATEMENT: Final = 2_000
_HOURS_PER_STATEMENT: Final = 24
_END_OF_TIME_S: Final = 2**32 - 1
_INSERT: Final = "INSERT INTO rollups WITH computed AS ({computed}) SELECT * FROM ({rows})"
_SAVE_CURSOR: Final = """
INSERT INTO jobs (project, kind, evaluator, state, due_at, cursor, created_at, version, expires_on)
SELECT '', 'cursor', 'rollups', 'done', now64(6), {cursor:String}, toDateTime64(0, 6, 'UTC'),
    {version:UInt64}, toDate('2100-01-01')
"""
_CLEAR_MARKS: Final = """
INSERT INTO rollup_marks (project, mark_id, since, until, is_deleted, version, expires_on)
SELECT project, mark_id, since, until, 1, version + 1, today() + 2
FROM rollup_marks FINAL
WHERE project = {project:String} AND mark_id IN {marks:Array(String)}
"""
_UNCOUNT: Final = """
ALTER TABLE spans UPDATE is_counted = false
WHERE project = {project:String}
    AND toStartOfMinute(start_time) IN
        (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC'))
    AND observer = 'client'
    AND is_counted
    AND (trace_id, span_id) IN
    (
        SELECT trace_id, parent_span_id
        FROM spans
        WHERE project = {project:String}
            AND toStartOfMinute(start_time) IN
            (
                SELECT toDateTime(
                    arrayJoin({minutes:Array(UInt32)})
                        + 60 * arrayJoin(range({child_minutes:UInt32})) - {child_early_s:UInt32},
                    'UTC'
                )
            )
            AND observer = 'proxy'
            AND is_counted
            AND parent_span_id != ''
    )
SETTINGS alter_update_mode = 'lightweight'
"""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of the job is done: so many of the project's minutes are computed, or of its days
    added up."""

    project: str
    minutes: int
    total_minutes: int
    days: int = 0
    total_days: int = 0


@dataclass(frozen=True, slots=True)
class _Cursor:
    settled_us: int
    version: int
    now_us: int


class RollupJob:
    """Brings rollups up to date with the spans, through a store opened with the role writer."""

    def __init__(self, store: Store, settling: timedelta = SETTLING) -> None:
        """`settling` of zero is for when nobody writes: after a load, in tests."""
        self._store = store
        self._settling_us = settling // timedelta(microseconds=1)

    def run(self) -> int:
        """Bring all projects up to date; how many minutes were computed. Raises `StoreError`."""
        minutes: dict[str, int] = {}
        for step in self.steps():
            minutes[step.project] = max(step.minutes, minutes.get(step.project, 0))
        return sum(minutes.values())

    def steps(self) -> Iterator[Step]:
        """The same, statement by statement; who stops in between loses nothing."""
        cursor = self._cursor()
        settled_us = cursor.now_us - self._settling_us
        # A clock that was set back below the cursor: what is stored now would never be looked at. Less
        # than that hides nothing, and a job that settles later than another one takes nothing back.
        was_set_back = cursor.now_us < cursor.settled_us
        since_us = settled_us if was_set_back else cursor.settled_us
        has_work = False
        for project in self._projects(since_us):
            has_work = True
            yield from self._bring_up(project, since_us, settled_us)
        if was_set_back or (has_work and settled_us > cursor.settled_us):
            self._save(cursor, settled_us)
        yield from self._compute_days(cursor.now_us)

    def _compute_days(self, now_us: int) -> Iterator[Step]:
        """Add up days that are over, also of projects that have been silent since."""
        rest = timedelta(microseconds=_RESTS * self._settling_us)
        parameters = {"project": "", "end_day": day_of(now_us // 1_000_000)}
        for row in self._store.rows("rollup_open_days", parameters):
            for done, total in DayRollups(self._store, row["project"]).compute(now_us, rest):
                yield Step(row["project"], 0, 0, done, total)

    def rebuild(self, project: str, since: datetime, until: datetime) -> Iterator[Step]:
        """Compute all minutes that touch [since, until) again, statement by statement.

        Minutes whose spans have begun to expire keep their rollups. Raises `StoreError`.
        """
        first_s = max(0, int(since.timestamp()) // 60 * 60)
        until_s = int(-(-until.timestamp() // 1))
        DayRollups(self._store, project).take_back(days_between(first_s, until_s))
        known = self._known(project, first_s, until_s)
        yield from self._compute(project, known, sorted({hour_of(minute) for minute in known}))

    def _bring_up(self, project: str, since_us: int, settled_us: int) -> Iterator[Step]:
        marks = self._store.rows("rollup_marks", {"project": project})
        dirty = self._store.rows(
            "rollup_dirty",
            {
                "project": project,
                "since_us": since_us,
                "child_late_s": CHILD_LATE_S,
                **OF_EVENTS,
            },
        )
        days = DayRollups(self._store, project)
        periods = [(mark["since_s"], mark["until_s"]) for mark in marks]
        touched = {day_of(row["minute"]) for row in dirty}
        touched.update(*(days_between(*period) for period in periods))
        events = [(row["minute"], row["minute"] + 60) for row in dirty if row["has_events"]]
        touched.update(*(days_told(*period) for period in (*periods, *events)))
        days.take_back(touched | days.scored_since(since_us))
        yield from self._uncount(project, [row["minute"] for row in dirty])
        # Of a minute that was written to just now readers take the spans anyway; it is computed once,
        # when it has come to rest.
        unsettled = {row["minute"] for row in dirty if row["stored_us"] >= settled_us}
        settled = [row["minute"] for row in dirty if row["minute"] not in unsettled]
        known: dict[int, int] = {}
        for part in _parts(settled, _MINUTES_PER_QUESTION):
            known.update(self._known(project, part[0], part[-1] + 60, part))
        for mark in marks:
            known.update(self._known(project, mark["since_s"], mark["until_s"]))
        hours = {hour_of(minute) for minute in (*settled, *known)}
        resting = hours - {hour_of(minute) for minute in unsettled}
        yield from self._compute(project, known, sorted(resting))
        if marks:
            self._store.command(
                _CLEAR_MARKS, {"project": project, "marks": [mark["mark_id"] for mark in marks]}
            )
            yield Step(project, len(known), len(known))

    def _uncount(self, project: str, minutes: Sequence[int]) -> Iterator[Step]:
        """Have client spans whose request a proxy saw too no longer count, for every question.

        Rollups and their readers know by themselves; other questions need not compare spans.
        """
        for part in _parts(minutes, _MINUTES_PER_QUESTION):
            parameters = {
                "project": project,
                "minutes": list(part),
                "child_minutes": CHILD_MINUTES,
                "child_early_s": CHILD_EARLY_S,
            }
            if self._store.rows("rollup_doubles", parameters)[0]["doubles"]:
                self._store.command(_UNCOUNT, parameters)
                yield Step(project, 0, 0)

    def _compute(
        self, project: str, known: Mapping[int, int], hours: Sequence[int]
    ) -> Iterator[Step]:
        done = 0
        kept_days = effective(self._store, project).rollups_days
        for minutes in _portions(known):
            parameters = {
                "project": project,
                "period_s": 60,
                "starts": minutes,
                "child_minutes": CHILD_MINUTES,
                "child_early_s": CHILD_EARLY_S,
                "max_groups": MAX_GROUPS,
                "kept_days": kept_days,
            }
            self._store.command(_replacing("rollup_minutes"), parameters)
            done += len(minutes)
            yield Step(project, done, len(known))
        for part in _parts(hours, _HOURS_PER_STATEMENT):
            parameters = {
                "project": project,
                "period_s": 3600,
                "starts": list(part),
                "kept_days": kept_days,
            }
            self._store.command(_replacing("rollup_hours"), parameters)
            yield Step(project, done, len(known))

    def _known(
        self, project: str, since_s: int, until_s: int, minutes: Sequence[int] = ()
    ) -> dict[int, int]:
        rows = self._store.rows(
            "rollup_known",
            {
                "project": project,
                "since_s": since_s,
                "until_s": min(until_s, _END_OF_TIME_S),
                "minutes": list(minutes),
            },
        )
        return {row["minute"]: row["spans"] for row in rows}

    def _projects(self, since_us: int) -> list[str]:
        rows = self._store.rows("rollup_projects", {"project": "", "since_us": since_us})
        return [row["project"] for row in rows]

    def _cursor(self) -> _Cursor:
        row = self._store.rows("rollup_cursor", {"project": ""})[0]
        return _Cursor(row["settled_us"], row["version"], row["now_us"])

    def _save(self, cursor: _Cursor, settled_us: int) -> None:
        version = max(cursor.version + 1, cursor.now_us * 1000)
        self._store.command(_SAVE_CURSOR, {"cursor": str(settled_us), "version": version})


@contextmanager
def exclusive_job(path: Path) -> Iterator[bool]:
    """Hold the lock file at `path`; yields False when another process or thread holds it.

    The kernel drops the lock with the process, so a killed one blocks nobody. Two machines are not
    kept apart: see above for why they need not be.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _replacing(name: str) -> str:
    """The statement that replaces the rows of some periods by what the named query computes."""
    return _INSERT.format(computed=query_text(name), rows=query_text("rollup_rows"))


def hour_of(minute_s: int) -> int:
    """The first second of a minute's hour."""
    return minute_s // 3600 * 3600


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _portions(spans_by_minute: Mapping[int, int]) -> Iterator[list[int]]:
    """Minutes in order, in portions that one statement may hold in memory."""
    portion: list[int] = []
    spans = 0
    for minute in sorted(spans_by_minute):
        is_full = len(portion) == _MINUTES_PER_STATEMENT
        if portion and (is_full or spans + spans_by_minute[minute] > _SPANS_PER_STATEMENT):
            yield portion
            portion, spans = [], 0
        portion.append(minute)
        spans += spans_by_minute[minute]
    if portion:
        yield portion
