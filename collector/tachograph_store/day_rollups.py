"""Days that are over, added up by what minutes have too much of: users, sessions, answers; and their
traces with the most of something.

What was said of minutes (`tachograph_store.rollup`) holds here: a day is computed again from its spans
and scores, never continued. Its rows are written under a version, then a note (kind `whole`) says
that the rows of that version may be read. The rollup job takes the note back before its cursor passes a
span or score of that day; until the cursor does, readers know of it themselves (`queries.known_days`).
Of two jobs that compute a day at once, the later one's note holds: each notes that it begins, and a
note that was written after that has a higher version.
"""

import logging
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tachograph_store.client import Store
from tachograph_store.errors import QueryTooLarge
from tachograph_store.message_events import AFTER, BEFORE, OF_ANSWERS
from tachograph_store.mutations import MutationProgress, finish_mutations, mutate
from tachograph_store.named import query_text

_LOGGER = logging.getLogger(__name__)

TABLE: Final = "day_rollups"
_INVALID: Final = 0
_BEGUN: Final = 2
_VALID: Final = 3  # 1 in stores of before `TOP_TRACES`: valid without them, computed again

TOP_TRACES: Final = 200
"""Traces kept of a day in each order: a month's first 200 are a few of each of its days."""

TOP_REQUESTS: Final = 1_000
"""Requests of a day, in each order, whose traces are told apart to find these."""

FIRST_DAY: Final = date(1970, 1, 1)
END_OF_DAYS: Final = date(2149, 6, 6)
_DAY_S: Final = 86_400

_NOTE: Final = """
INSERT INTO day_rollups (project, kind, day, is_valid, version, expires_on)
SELECT {project:String}, 'whole', arrayJoin({days:Array(Date)}), {state:UInt8}, {version:UInt64},
    toDate('2100-01-01')
"""
_COMPUTE: Final = """
INSERT INTO day_rollups (project, kind, day, segment, requests, errors, input_tokens, output_tokens,
    longest_prompt_tokens, list_cost, compute_cost, cost_currency, duration_ns, max_duration_ns, unscored,
    is_valid, spans_expire_on, answers_expire_on, version, expires_on)
{rows}
"""
_COMPUTE_TOPS: Final = """
INSERT INTO day_rollups (project, kind, day, segment, requests, place, start_time, spans_expire_on,
    answers_expire_on, version, expires_on)
{rows}
"""
_NOTE_VALID: Final = """
INSERT INTO day_rollups (project, kind, day, is_valid, spans_expire_on, answers_expire_on, version, expires_on)
SELECT {project:String}, 'whole', {day:Date}, {state:UInt8}, min(r.spans_expire_on),
    minIf(r.answers_expire_on, r.kind = 'answers'), {version:UInt64} + 1, max(r.expires_on)
FROM day_rollups AS r
WHERE project = {project:String} AND day = {day:Date} AND r.version = {version:UInt64}
    AND r.kind != 'whole'
"""


@dataclass(frozen=True, slots=True)
class _Note:
    state: int
    version: int


def day_of(second: int) -> date:
    """The day (UTC) of a second since the epoch."""
    return date.fromordinal(FIRST_DAY.toordinal() + second // _DAY_S)


class DayRollups:
    """One project's days, for the rollup job."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project
        rows = store.rows(
            "rollup_days", {"project": project, "first_day": FIRST_DAY, "end_day": END_OF_DAYS}
        )
        self._notes: dict[date, _Note] = {
            row["day"]: _Note(row["state"], row["noted"]) for row in rows
        }

    def scored_since(self, since_us: int) -> set[date]:
        """Days of the spans for which evaluators' scores were stored since an instant."""
        rows = self._store.rows(
            "rollup_scored_days", {"project": self._project, "since_us": since_us}
        )
        return {row["day"] for row in rows}

    def take_back(self, days: Collection[date]) -> None:
        """Have nobody read these days any more."""
        touched = sorted(
            day for day in days if day in self._notes and self._notes[day].state != _INVALID
        )
        if touched:
            # Behind whatever another job is about to say of what it computes now.
            above = max(self._notes[day].version for day in touched) + 2
            version = max(time.time_ns(), above)
            self._note(touched, _INVALID, version)
            self._notes.update((day, _Note(_INVALID, version)) for day in touched)

    def compute(self, now_us: int, rest: timedelta) -> Iterator[tuple[int, int]]:
        """Add up the days that are over and not valid, one at a time: how many are done, of how many.

        Those that were taken back less than `rest` ago wait, if it is any: more may come for them.
        """
        today = day_of(now_us // 1_000_000)
        past = self._store.rows("rollup_past_days", {"project": self._project, "end_day": today})
        rested_ns = (now_us - rest // timedelta(microseconds=1)) * 1_000
        due: list[tuple[date, int]] = []
        for row in past:
            note = self._notes.get(row["day"])
            if note is None:
                due.append((row["day"], 0))
            elif note.state != _VALID and (not rest or note.version <= rested_ns):
                due.append((row["day"], note.version))
        for done, (day, above) in enumerate(due, 1):
            self._compute(day, above)
            yield done, len(due)

    def _compute(self, day: date, above: int) -> None:
        version = max(time.time_ns(), above + 1)
        self._note([day], _BEGUN, version)
        parameters = {
            "project": self._project,
            "day": day,
            "partition": f"{day:%Y%m%d}",
            **OF_ANSWERS,
            "has_told": True,
            "since_ns": _start_s(day) * 10**9,
            "until_ns": (_start_s(day) + _DAY_S) * 10**9,
            "version": version,
            "depth": TOP_TRACES,
            "looked_at": TOP_REQUESTS,
            "state": _VALID,
        }
        try:
            self._store.command(_COMPUTE.format(rows=query_text("rollup_day_rows")), parameters)
            self._store.command(
                _COMPUTE_TOPS.format(rows=query_text("rollup_day_tops")), parameters
            )
        except QueryTooLarge as error:
            # Tried again after a rest; meanwhile pages read its spans.
            _LOGGER.warning("%s of project %s is not added up: %s", day, self._project, error)
            return
        self._store.command(_NOTE_VALID, parameters)

    def _note(self, days: Collection[date], state: int, version: int) -> None:
        parameters = {
            "project": self._project,
            "days": sorted(days),
            "state": state,
            "version": version,
        }
        self._store.command(_NOTE, parameters)


def _start_s(day: date) -> int:
    return (day - FIRST_DAY).days * _DAY_S


def days_told(since_s: int, until_s: int) -> set[date]:
    """The days of the answers of which events in [since, until) may tell."""
    first_s = max(0, since_s - AFTER // timedelta(seconds=1))
    return days_between(first_s, until_s + BEFORE // timedelta(seconds=1))


def days_between(since_s: int, until_s: int) -> set[date]:
    """The days that [since, until) touches; none of a future that no span may have."""
    last = day_of(max(since_s, min(until_s - 1, int(datetime.now(UTC).timestamp()) + 2 * _DAY_S)))
    first = day_of(since_s).toordinal()
    return {date.fromordinal(number) for number in range(first, last.toordinal() + 1)}


def remove_days(store: Store, project: str) -> Iterator[MutationProgress]:
    """Delete a project's days, names of users included; the job adds up again what is left.

    Raises `StoreError`.
    """
    yield from finish_mutations(store, TABLE)
    yield from mutate(store, TABLE, "DELETE WHERE project = {project:String}", {"project": project})
