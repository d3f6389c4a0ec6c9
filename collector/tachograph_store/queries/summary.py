"""Totals of a time range, whole or by model, tenant or variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection

SegmentKind = Literal["model", "tenant", "variant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSummary:
    """Counted requests of one segment; sums and percentiles are None where nothing is known.

    `segment` is None for the whole, and for requests without the fact that was asked for.
    Percentiles are (p50, p95, p99) in seconds; cached and reasoning tokens are parts of input
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
    rows = store.rows(
        "summary_segments", {**selection.parameters(), "by": by or "", "limit": limit}
    )
    return [
        SegmentSummary(
            segment=row["segment"],
            requests=row["requests"],
            errors=row["errors"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            cache_read_tokens=row["cache_read_tokens"],
            reasoning_tokens=row["reasoning_tokens"],
            without_tokens=row["without_tokens"],
            durations_s=[None if ns is None else ns * 1e-9 for ns in row["durations_ns"]],
            first_chunks_s=list(row["first_chunks_s"]),
            list_cost=row["list_cost"],
            compute_cost=row["compute_cost"],
            reported_cost=row["reported_cost"],
            currencies=tuple(sorted(row["currencies"])),
            gpu_seconds=row["gpu_seconds"],
            energy_j=row["energy_j"],
        )
        for row in rows
    ]
