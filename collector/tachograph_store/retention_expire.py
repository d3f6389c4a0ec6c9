"""Spans whose days are over: counted in the books, then deleted; of all projects in one pass.

Other tables leave this to the engine's TTLs. Theirs, of spans, is a week later, for stores that no
collector works on; here the books come first (`tachograph_store.removals`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tachograph_store.client import Store
from tachograph_store.mutations import finish_mutations, mutate
from tachograph_store.removals import enter_expired, expired_through

_SPANS: Final = "spans"
_OVER: Final = "toUInt16(expires_on) > 10957 AND expires_on <= {last:Date}"
"""Days before 2000 mark what is to be forgotten."""
_MAX_PROJECTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Expired:
    """What one pass did."""

    spans: int
    """Rows that the books count as expired from now on."""
    waiting: int
    """Rows of projects whose books were not ready: the next pass takes them."""


def expire_spans(store: Store, today: date | None = None) -> Iterator[Expired]:
    """Count and delete; yields what was counted, project by project, then deletes.

    May die anywhere: what is counted is not counted again, and what is left is deleted by the next
    pass. Raises `StoreError`.

    Args:
        today: the day (UTC) that is not over yet; for tests.
    """
    last = (today or datetime.now(UTC).date()) - timedelta(days=1)
    ready: list[str] = []
    for project in _projects(store, last):
        entered = enter_expired(store, project, today)
        yield Expired(entered.count, entered.waiting)
        if expired_through(store, project) == last:
            ready.append(project)
    if ready:
        for _ in finish_mutations(store, _SPANS):
            pass
        for _ in mutate(
            store,
            _SPANS,
            f"DELETE WHERE project IN {{projects:Array(String)}} AND {_OVER}",
            {"projects": ready, "last": last},
        ):
            pass


def _projects(store: Store, last: date) -> list[str]:
    rows = store.query(
        f"SELECT DISTINCT project FROM spans WHERE {_OVER} ORDER BY project LIMIT {_MAX_PROJECTS}",
        {"last": last},
        name="expired_projects",
    )
    return [row["project"] for row in rows]
