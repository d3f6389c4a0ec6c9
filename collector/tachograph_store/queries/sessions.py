"""Sessions: conversations of several traces, as the application named them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.cursor import Place, decode, encode, newest_first
from tachograph_store.queries.selection import Selection, nanoseconds

MAX_SESSIONS_PER_PAGE = 200
_AFTER_EVERY_SESSION = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """One session within the range asked; sums over counted spans, None where nothing is known."""

    session: str
    start_time: int  # ns since the epoch
    duration_ns: int  # from the first start to the last end
    last_active_at: int  # start of the newest span, ns since the epoch
    trace_count: int
    request_count: int
    error_count: int
    user: str | None
    tenant: str | None
    input_tokens: int | None
    output_tokens: int | None
    list_cost: Decimal | None
    compute_cost: Decimal | None
    cost_currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some sessions, the last active first; a cursor where there are more."""

    sessions: Sequence[SessionLine]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    session: str
    newest_ns: int


def list_sessions(
    store: Store, selection: Selection, limit: int = 50, cursor: str | None = None
) -> SessionPage:
    """One page of sessions; `cursor` is the `next_cursor` of the page before.

    The traces of a session are those that `list_traces` answers for it.

    Raises:
        QueryRefused: a cursor that no page gave.
    """
    limit = max(1, min(limit, MAX_SESSIONS_PER_PAGE))
    newest = Place(_AFTER_EVERY_SESSION, nanoseconds(selection.until) - 1)
    before = decode(cursor) if cursor else newest
    found = _places(store, selection, before, limit + 1)
    shown = found[:limit]
    if not shown:
        return SessionPage(sessions=[], next_cursor=None)
    names = [place.session for place in shown]
    lines = run(
        store,
        "sessions_lines",
        SessionLine,
        **selection.range_parameters(),
        sessions=names,
    )
    by_name = {line.session: line for line in lines}
    last = Place(shown[-1].session, shown[-1].newest_ns)
    return SessionPage(
        # One deleted between the two questions is in the first answer only.
        sessions=[by_name[name] for name in names if name in by_name],
        next_cursor=encode(last) if len(found) > limit else None,
    )


def _places(store: Store, selection: Selection, before: Place, limit: int) -> list[_Found]:
    parameters = {
        **selection.parameters(),
        "before_ns": before.newest_ns,
        "before_session": before.name,
        "limit": limit,
    }
    return newest_first(
        lambda since_ns: run(
            store, "sessions_page", _Found, **{**parameters, "since_ns": since_ns}
        ),
        before.newest_ns,
        nanoseconds(selection.since),
        limit,
    )
