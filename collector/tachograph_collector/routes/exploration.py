"""`GET /api/v1/search`, `/sessions`, `/top` and what was beside a span: ways into the traces."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from tachograph_collector.errors import ApiError, bad_cursor
from tachograph_collector.routes.dependencies import BEARER, Parts, Reader
from tachograph_collector.routes.models import (
    FoundAnswer,
    NeighboursAnswer,
    SessionPageAnswer,
    SlownessAnswer,
    TopAnswer,
)
from tachograph_collector.routes.ranges import Range
from tachograph_store.errors import QueryRefused
from tachograph_store.queries.finding import Order, find_traces
from tachograph_store.queries.neighbours import MAX_NEIGHBOURS, neighbourhood
from tachograph_store.queries.search import BadSearch
from tachograph_store.queries.selection import Selection
from tachograph_store.queries.sessions import MAX_SESSIONS_PER_PAGE, list_sessions
from tachograph_store.queries.slowness import slowness
from tachograph_store.queries.top import MAX_SEGMENTS, TopKind, TopOrder, top_segments
from tachograph_store.queries.traces import MAX_TRACES_PER_PAGE, spans_by_ids
from tachograph_store.rows import SpanRow

router = APIRouter(prefix="/api/v1", tags=["exploration"], dependencies=[BEARER])

_Filter = Annotated[str | None, Query(max_length=1024)]


async def _selected(
    principal: Reader,
    asked: Range,
    model: _Filter = None,
    tenant: _Filter = None,
    variant: _Filter = None,
) -> Selection:
    return Selection(
        project=principal.project,
        since=asked.since,
        until=asked.until,
        model=model,
        tenant=tenant,
        variant=variant,
    )


Selected = Annotated[Selection, Depends(_selected)]
TraceId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hex digits")]
SpanId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="16 hex digits")]


@router.get("/search")
async def search(
    parts: Parts,
    selection: Selected,
    q: Annotated[
        str,
        Query(max_length=1024, description='words, "a phrase", *part* of a word; all must hold'),
    ] = "",
    order: Order = "newest",
    limit: Annotated[int, Query(ge=1, le=MAX_TRACES_PER_PAGE)] = 50,
) -> FoundAnswer:
    """Traces by what a counted request's prompt or answer says; the texts are not in the answer."""
    try:
        found = await parts.link.ask(
            lambda store: find_traces(store, selection, content=q, order=order, limit=limit)
        )
    except BadSearch as error:
        raise ApiError(
            422, "bad_search", str(error), "q", "write words, one phrase in quotes, or *part*"
        ) from error
    return FoundAnswer(traces=list(found.traces), scores=found.scores, is_cut=found.is_cut)


@router.get("/sessions")
async def sessions(
    parts: Parts,
    selection: Selected,
    limit: Annotated[int, Query(ge=1, le=MAX_SESSIONS_PER_PAGE)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=2048, description="`next_cursor` of the page before")
    ] = None,
) -> SessionPageAnswer:
    """Sessions, the last active first; their traces are `/api/v1/traces?session=…`."""
    try:
        page = await parts.link.ask(lambda store: list_sessions(store, selection, limit, cursor))
    except QueryRefused as error:
        if cursor is None:
            raise
        raise bad_cursor() from error
    return SessionPageAnswer(sessions=list(page.sessions), next_cursor=page.next_cursor)


@router.get("/top")
async def top(
    parts: Parts,
    selection: Selected,
    by: TopKind,
    order: TopOrder = "dearest",
    limit: Annotated[int, Query(ge=1, le=MAX_SEGMENTS)] = 50,
) -> TopAnswer:
    """Tenants, users, models or sessions with the most, over counted requests."""
    segments = await parts.link.ask(lambda store: top_segments(store, selection, by, order, limit))
    return TopAnswer(by=by, order=order, segments=segments)


@router.get("/traces/{trace_id}/spans/{span_id}/neighbours")
async def neighbours(
    principal: Reader,
    parts: Parts,
    trace_id: TraceId,
    span_id: SpanId,
    limit: Annotated[int, Query(ge=1, le=MAX_NEIGHBOURS)] = 50,
) -> NeighboursAnswer:
    """Model calls that ran on the span's engine while it did, and its GPUs' readings then."""
    span = await _span(parts, principal.project, trace_id, span_id)
    around = await parts.link.ask(lambda store: neighbourhood(store, span, limit))
    return NeighboursAnswer(
        neighbours=list(around.neighbours), total=around.total, devices=list(around.devices)
    )


@router.get("/traces/{trace_id}/spans/{span_id}/slowness")
async def slow_causes(
    principal: Reader, parts: Parts, trace_id: TraceId, span_id: SpanId
) -> SlownessAnswer:
    """Why a model call took as long as it did: its time by cause."""
    span = await _span(parts, principal.project, trace_id, span_id)
    found = await parts.link.ask(lambda store: slowness(store, span))
    first = found.parts[0] if found.parts else None
    return SlownessAnswer(
        cause=None if first is None else first.cause,
        ratio=None if first is None else first.ratio,
        phases=found.phases,
        parts=list(found.parts),
        norm_calls=found.norm_calls,
    )


async def _span(parts: Parts, project: str, trace_id: str, span_id: str) -> SpanRow:
    spans = await parts.link.ask(lambda store: spans_by_ids(store, project, [(trace_id, span_id)]))
    if not spans:
        raise ApiError(
            404,
            "unknown_span",
            f"this project has no span {span_id} in the trace {trace_id}",
            "span_id",
            "check the ids, and that the key belongs to the project that sent them",
        )
    return spans[0]
