"""Leases: who works on which evaluation until when, as rows of `jobs`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.rows import JobRow

EVALUATION: Final = "evaluation"
LEASED: Final = "leased"  # sent, or waiting to be sent again: not yet an attempt
RUNNING: Final = "running"  # a worker has begun; overdue, it died or was killed
DONE: Final = "done"
FAILED: Final = "failed"
PARKED: Final = "parked"
SKIPPED: Final = "skipped"  # decided not to be made: left out by sampling, or wanted by no rule

AWAITING_TRACE: Final = "waiting for the rest of the trace"

_OPEN_DAYS: Final = 30  # a parked evaluation can be looked at that long
_DONE_DAYS: Final = 2  # the scores say it afterwards; longer than any overlap of the planner
_MAX_ERROR_CHARS: Final = 1000

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER: Final = date(2149, 1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """An evaluation to be made: `name@version`, and the probability with which it was chosen."""

    evaluator: str
    sample_rate: float = 1.0


def moment(microseconds: int) -> datetime:
    """Microseconds since the epoch as a datetime, exactly."""
    return EPOCH + timedelta(microseconds=microseconds)


def split(evaluator: str) -> tuple[str, str]:
    """`name@version` as its two parts."""
    name, _, version = evaluator.rpartition("@")
    return name, version


def lease(
    project: str,
    key: AnswerKey,
    wanted: Wanted,
    *,
    state: str,
    attempt: int,
    due_at: datetime,
    error: str | None = None,
) -> JobRow:
    """One row; a later one for the same span, evaluator and version replaces it."""
    name, version = split(wanted.evaluator)
    days = _DONE_DAYS if state == DONE else _OPEN_DAYS
    return JobRow(
        project=project,
        kind=EVALUATION,
        trace_id=key.trace_id,
        span_id=key.span_id,
        evaluator=name,
        evaluator_version=version,
        state=state,
        attempt=attempt,
        due_at=due_at,
        error=error[:_MAX_ERROR_CHARS] if error else None,
        created_at=moment(key.start_us),
        expires_on=due_at.date() + timedelta(days=days),
        sample_rate=wanted.sample_rate,
    )


def leases(
    project: str,
    keys: Sequence[AnswerKey],
    wanted: Sequence[Wanted],
    *,
    state: str,
    attempt: int,
    due_at: datetime,
) -> list[JobRow]:
    """A lease for each pair of answer and evaluation."""
    return [
        lease(project, key, one, state=state, attempt=attempt, due_at=due_at)
        for key in keys
        for one in wanted
    ]


def cursor(project: str, job: str, position: str, now: datetime) -> JobRow:
    """Where a resumable job stands."""
    return JobRow(
        project=project,
        kind="cursor",
        evaluator=job,
        state=DONE,
        due_at=now,
        cursor=position,
        created_at=EPOCH,
        expires_on=FOREVER,
    )
