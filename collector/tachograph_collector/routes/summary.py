"""`GET /api/v1/summary`: totals and percentiles."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from tachograph_collector.routes.dependencies import BEARER, Parts, Reader
from tachograph_collector.routes.models import Percentiles, SegmentAnswer, SummaryAnswer
from tachograph_collector.routes.ranges import Range
from tachograph_store.queries.selection import Selection
from tachograph_store.queries.summary import SegmentSummary, summary_segments

router = APIRouter(prefix="/api/v1", tags=["summary"], dependencies=[BEARER])

_Filter = Annotated[str | None, Query(max_length=1024)]


@router.get("/summary")
async def summary(
    principal: Reader,
    parts: Parts,
    asked: Range,
    by: Literal["model", "tenant", "variant"] | None = None,
    model: _Filter = None,
    tenant: _Filter = None,
    variant: _Filter = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> SummaryAnswer:
    """Counted requests only: each request once, whoever reported it."""
    selection = Selection(
        project=principal.project,
        since=asked.since,
        until=asked.until,
        model=model,
        tenant=tenant,
        variant=variant,
    )
    segments = await parts.link.ask(lambda store: summary_segments(store, selection, by, limit))
    return SummaryAnswer(
        since=asked.since,
        until=asked.until,
        by=by,
        segments=[_answer(segment) for segment in segments],
    )


def _answer(segment: SegmentSummary) -> SegmentAnswer:
    return SegmentAnswer(
        segment=segment.segment,
        requests=segment.requests,
        errors=segment.errors,
        input_tokens=segment.input_tokens,
        output_tokens=segment.output_tokens,
        cache_read_tokens=segment.cache_read_tokens,
        reasoning_tokens=segment.reasoning_tokens,
        without_tokens=segment.without_tokens,
        duration=_percentiles(segment.durations_s),
        first_chunk=_percentiles(segment.first_chunks_s),
        list_cost=segment.list_cost,
        compute_cost=segment.compute_cost,
        reported_cost=segment.reported_cost,
        currencies=list(segment.currencies),
        gpu_seconds=segment.gpu_seconds,
        energy_j=segment.energy_j,
    )


def _percentiles(values: Sequence[float | None]) -> Percentiles:
    p50_s, p95_s, p99_s = values or (None, None, None)  # empty: nothing was measured
    return Percentiles(p50_s=p50_s, p95_s=p95_s, p99_s=p99_s)
