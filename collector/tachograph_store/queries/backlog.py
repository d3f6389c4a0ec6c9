"""How far judging is behind, what was left out, what was given up."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tachograph.semconv.values import GENERATIVE_OPERATIONS
from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.evaluation import evaluation_cursor, evaluation_cursors
from tachograph_store.queries.selection import nanoseconds

SKIPPED_WITHIN: Final = timedelta(hours=24)
"""Evaluations that were left out are counted over so long."""

_ALL_PROJECTS: Final = ""
_OPEN: Final = ("leased", "running", "failed")
_FRESH_S: Final = 60.0  # a word on sampling older than that is of a time that has passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Evaluations that were not made, for one reason."""

    reason: str
    evaluations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Of one project. An evaluation is one evaluator on one answer."""

    undecided: int | None  # answers that the planner has not looked at; None when it never ran
    undecided_s: float | None  # how long ago the oldest of them was stored
    open: int  # evaluations sent, being made, or to be tried again
    open_s: float | None  # how long ago the oldest of their answers began
    skipped: Sequence[Left]  # in the last 24 hours
    parked: Sequence[Left]  # in the last 30 days
    sampling_factor: float | None  # of what the rules want, while behind; None when all of it

    @property
    def lag_s(self) -> float | None:
        """The age of the oldest answer that waits; None when none does."""
        ages = [age for age in (self.undecided_s, self.open_s) if age is not None]
        return max(ages, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Of all projects together, for a gauge."""

    undecided: int  # answers of the last 24 hours that no planner has looked at
    open: int  # evaluations sent, being made, or to be tried again
    parked: int  # evaluations given up in the last 30 days
    lag_s: float  # the age of the oldest answer that waits; 0 when none does
    sampling_factor: float  # of what the rules want, in the project that is furthest behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An evaluation that was given up."""

    project: str
    trace_id: str
    span_id: str
    evaluator: str
    evaluator_version: str
    attempt: int
    error: str | None
    sample_rate: float
    parked_at: datetime
    created_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    state: str
    reason: str
    evaluations: int
    answers: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jobs:
    open: int
    oldest_at: datetime | None
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undecided:
    answers: int
    oldest_at: datetime | None


def evaluation_backlog(store: Store, project: str) -> Backlog:
    """How far judging is now."""
    now = datetime.now(UTC)
    states = run(
        store,
        "evaluation_backlog",
        _State,
        project=project,
        since_ns=nanoseconds(now - SKIPPED_WITHIN),
    )
    waiting = [row for row in states if row.state in _OPEN]
    position = evaluation_cursor(store, project, "plan")
    undecided: _Undecided | None = None
    if position is not None:
        undecided = _undecided(store, project, {project: position}, int(position))
    return Backlog(
        undecided=None if undecided is None else undecided.answers,
        undecided_s=None if undecided is None else _age_s(now, undecided.oldest_at),
        open=sum(row.evaluations for row in waiting),
        open_s=_age_s(now, min((row.oldest_at for row in waiting), default=None)),
        skipped=_left(states, "skipped"),
        parked=_left(states, "parked"),
        sampling_factor=_sampling(store, project),
    )


def evaluation_waiting(store: Store) -> Waiting:
    """How far judging is now, over all projects."""
    now = datetime.now(UTC)
    cursors = evaluation_cursors(store, "plan")
    # What was stored before a planner first ran waits, as far as it will reach back.
    since_us = int((now - SKIPPED_WITHIN).timestamp() * 1e6)
    undecided = _undecided(store, _ALL_PROJECTS, cursors, since_us)
    [jobs] = run(store, "evaluation_waiting", _Jobs, project=_ALL_PROJECTS)
    ages = [_age_s(now, undecided.oldest_at), _age_s(now, jobs.oldest_at)]
    factors = [_factor(state) for state in evaluation_cursors(store, "sampling").values()]
    return Waiting(
        undecided=undecided.answers,
        open=jobs.open,
        parked=jobs.parked,
        lag_s=max((age for age in ages if age is not None), default=0.0),
        sampling_factor=min((factor for factor in factors if factor is not None), default=1.0),
    )


def evaluation_parked(store: Store, project: str, limit: int) -> list[Parked]:
    """The latest `limit` evaluations that were given up; of every project when `project` is ''."""
    return run(store, "evaluation_parked", Parked, project=project, limit=limit)


def _left(states: Sequence[_State], state: str) -> list[Left]:
    return [
        Left(reason=row.reason, evaluations=row.evaluations) for row in states if row.state == state
    ]


def _age_s(now: datetime, at: datetime | None) -> float | None:
    if at is None:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (now - aware).total_seconds())


def _sampling(store: Store, project: str) -> float | None:
    saved = evaluation_cursor(store, project, "sampling")
    return None if saved is None else _factor(saved)


def _undecided(
    store: Store, project: str, cursors: Mapping[str, str], cursor_us: int
) -> _Undecided:
    projects = sorted(cursors)
    return run(
        store,
        "evaluation_undecided",
        _Undecided,
        project=project,
        projects=projects,
        cursors_us=[int(cursors[name]) for name in projects],
        cursor_us=cursor_us,
        operations=sorted(GENERATIVE_OPERATIONS),
    )[0]


def _factor(saved: str) -> float | None:
    state = json.loads(saved)
    is_fresh = time.time() - float(state["at"]) < _FRESH_S
    return float(state["factor"]) if is_fresh and state["factor"] < 1 else None
