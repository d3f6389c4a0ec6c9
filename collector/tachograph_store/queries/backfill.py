"""Backfills: ranges of old answers to judge, and how far they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.message_events import OF_ANSWERS
from tachograph_store.queries import run
from tachograph_store.queries.evaluation import Candidate
from tachograph_store.queries.selection import nanoseconds

RECENT: Final = timedelta(hours=24)
"""So far back workers judge by themselves, and anew after an upgrade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillRow:
    """One backfill as `jobs` has it; `cursor` is its own JSON."""

    project: str
    backfill_id: str
    state: str  # running | done | cancelled
    cursor: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Answers of a range, and those of them with every wanted evaluation settled."""

    answers: int
    settled: int


def backfill_list(store: Store, project: str = "") -> list[BackfillRow]:
    """The last 1,000, the latest begun first; of every project when none is named."""
    return run(store, "backfill_list", BackfillRow, project=project)


def backfill_answers(
    store: Store, project: str, since_ns: int, until_ns: int, evaluators: Sequence[str], limit: int
) -> list[Candidate]:
    """Answers that began in [since, until) and lack one of `evaluators` (name@version), the oldest
    first. An evaluation that no rule wanted counts as lacking, one that sampling left out does not."""
    return run(
        store,
        "backfill_answers",
        Candidate,
        **_of_range(project, since_ns, until_ns, evaluators),
        limit=limit,
    )


def backfill_progress(
    store: Store, project: str, since_ns: int, until_ns: int, evaluators: Sequence[str]
) -> Progress:
    """How far a range is: scored, given up, or left out by sampling all count as settled."""
    return run(
        store,
        "backfill_progress",
        Progress,
        **_of_range(project, since_ns, until_ns, evaluators),
    )[0]


def judged_of_day(store: Store, project: str) -> Progress | None:
    """How far the answers of the last 24 hours are with the newest version of each evaluator.

    None when nobody has decided yet which evaluators that are. Those that no answer was given to
    any more, while others were, do not count.
    """
    now = datetime.now(UTC)
    since_ns, until_ns = nanoseconds(now - RECENT), nanoseconds(now)
    rows = store.rows("backfill_newest_judges", {"project": project, "since_ns": since_ns})
    judges = [row["judge"] for row in rows]
    return backfill_progress(store, project, since_ns, until_ns, judges) if judges else None


def _of_range(
    project: str, since_ns: int, until_ns: int, evaluators: Sequence[str]
) -> dict[str, Any]:
    return {
        "project": project,
        "since_ns": since_ns,
        "until_ns": until_ns,
        "evaluators": list(evaluators),
        "has_told": True,
        **OF_ANSWERS,
    }
