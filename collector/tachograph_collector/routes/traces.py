"""`GET /api/v1/traces`: lists of traces, and one trace with its spans and scores."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from tachograph_collector.errors import ApiError, bad_cursor
from tachograph_collector.routes.dependencies import BEARER, Parts, Reader
from tachograph_collector.routes.models import TraceAnswer, TracePageAnswer
from tachograph_collector.routes.ranges import Range
from tachograph_store.errors import QueryRefused
from tachograph_store.queries.traces import (
    MAX_TRACES_PER_PAGE,
    TraceFilter,
    list_traces,
    trace_scores,
    trace_spans,
)

router = APIRouter(prefix="/api/v1", tags=["traces"], dependencies=[BEARER])

_SETTLE_S = 2.0
_SETTLE_S = 2.0
_Filter = Annotated[str | None, Query(max_length=1024)]


@router.get("/traces")
async def traces(
    principal: Reader,
    parts: Parts,
    asked: Range,
    model: _Filter = None,
    tenant: _Filter = None,
    user: _Filter = None,
    session: _Filter = None,
    variant: _Filter = None,
    status: Literal["UNSET", "OK", "ERROR"] | None = None,
    observer: Literal["client", "proxy", "engine", "import"] | None = None,
    counted: bool | None = None,
    q: Annotated[
        str, Query(max_length=1024, description="an id, or part of a name, error, user or session")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_TRACES_PER_PAGE)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1024, description="`next_cursor` of the page before")
    ] = None,
) -> TracePageAnswer:
    """Traces with a span that passes all filters, newest first; content is not in lists."""
    wanted = TraceFilter(
        project=principal.project,
        since=asked.since,
        until=asked.until,
        model=model,
        tenant=tenant,
        user=user,
        session=session,
        variant=variant,
        status=status,
        observer=observer,
        counted=counted,
        text=q,
    )
    try:
        page = await parts.link.ask(lambda store: list_traces(store, wanted, limit, cursor))
    except QueryRefused as error:
        if cursor is None:
            raise
        raise bad_cursor() from error
    return TracePageAnswer(
        traces=list(page.traces), scores=page.scores, next_cursor=page.next_cursor
    )


@router.get("/traces/{trace_id}")
async def trace(
    principal: Reader,
    parts: Parts,
    trace_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hex digits")],
) -> TraceAnswer:
    """All spans of a trace with their content, in order of start, and their scores."""
    project = principal.project
    spans = await parts.link.ask(lambda store: trace_spans(store, project, trace_id))
    if not spans and await parts.station.settle(_SETTLE_S):
        # it was acknowledged a moment ago
        spans = await parts.link.ask(lambda store: trace_spans(store, project, trace_id))
    if not spans:
        raise ApiError(
            404,
            "unknown_trace",
            f"this project has no trace {trace_id}",
            "trace_id",
            "check the id, and that the key belongs to the project that sent it",
        )
    scores = await parts.link.ask(lambda store: trace_scores(store, project, trace_id))
    return TraceAnswer(trace_id=trace_id, spans=spans, scores=scores)
