"""Totals of a time range, whole or by model, tenant or variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tachograph_store.client import Store
from tachograph_store.queries.counted import counted_requests
from tachograph_store.queries.selection import Selection

SegmentKind = Literal["model", "tenant", "variant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSummary:
    """Counted requests of one segment; sums and percentiles are None where nothing is known.

    `segment` is None for the whole, and for requests without the fact that was asked for.
    Percentiles are (p50, p95, p99) in seconds, each at most 2 % from the exact one; cached and reasoning tokens are parts of input
    and output.
    """

    segment: str | None
    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    without_tokens: int
    durations_s: Sequence[float | None]
    first_chunks_s: Sequence[float | None]
    list_cost: Decimal | None
    compute_cost: Decimal | None
    reported_cost: Decimal | None
    currencies: Sequence[str]
    gpu_seconds: float | None
    energy_j: float | None


def summary_segments(
    store: Store, selection: Selection, by: SegmentKind | None, limit: int
) -> list[SegmentSummary]:
    """Segments with the most requests first; without `by` one segment, or none if no request."""
    found = counted_requests(store, selection, (by,) if by else ())
    return [
        SegmentSummary(
            segment=(getattr(one.group, by) or None) if by else None,
            requests=one.sums.requests,
            errors=one.sums.errors,
            input_tokens=one.sums.input_tokens,
            output_tokens=one.sums.output_tokens,
            cache_read_tokens=one.sums.cache_read_tokens,
            reasoning_tokens=one.sums.reasoning_tokens,
            without_tokens=one.sums.without_tokens,
            durations_s=one.durations_s,
            first_chunks_s=one.first_chunks_s,
            list_cost=one.sums.list_cost,
            compute_cost=one.sums.compute_cost,
            reported_cost=one.sums.reported_cost,
            currencies=one.currencies,
            gpu_seconds=one.sums.gpu_seconds,
            energy_j=one.sums.energy_j,
        )
        for one in found[:limit]
    ]
