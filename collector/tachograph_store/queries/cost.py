"""Money, tokens, GPU-seconds and joules: who spent them on what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tachograph_store.client import Store
from tachograph_store.queries.counted import Counted, Dimension, counted_requests
from tachograph_store.queries.selection import Selection

MAX_SEGMENTS = 1000
_BY_SEGMENT: Final[Sequence[Dimension]] = ("tenant", "model", "currency")
_BY_CURRENCY: Final[Sequence[Dimension]] = ("currency",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSegment:
    """Counted requests of one tenant, model and currency.

    Cached tokens are part of the input, reasoning tokens part of the output. `*_priced_tokens`
    are the tokens of requests that have that price, the base of a price per million.
    """

    tenant: str | None
    model: str | None
    currency: str | None
    requests: int
    input_tokens: int | None
    cache_read_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    without_tokens: int
    list_cost: Decimal | None
    without_list_cost: int
    compute_cost: Decimal | None
    without_compute_cost: int
    reported_cost: Decimal | None
    list_priced_tokens: int | None
    compute_priced_tokens: int | None
    gpu_seconds: float | None
    energy_j: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """Money of one step in one currency."""

    step: datetime
    currency: str | None
    list_cost: Decimal | None
    compute_cost: Decimal | None


def cost_by_segment(store: Store, selection: Selection) -> list[CostSegment]:
    """By tenant, model and currency, the busiest first; `MAX_SEGMENTS` lines at most."""
    found = counted_requests(store, selection, _BY_SEGMENT, with_times=False)
    return [_segment(one) for one in found[:MAX_SEGMENTS]]


def cost_series(store: Store, selection: Selection, step_s: int) -> list[CostPoint]:
    """Money in steps of `step_s` seconds, oldest first."""
    found = counted_requests(store, selection, _BY_CURRENCY, step_s=step_s, with_times=False)
    return [
        CostPoint(
            step=one.group.starts_at,
            currency=one.group.currency or None,
            list_cost=one.sums.list_cost,
            compute_cost=one.sums.compute_cost,
        )
        for one in found
    ]


def _segment(one: Counted) -> CostSegment:
    sums = one.sums
    return CostSegment(
        tenant=one.group.tenant or None,
        model=one.group.model or None,
        currency=one.group.currency or None,
        requests=sums.requests,
        input_tokens=sums.input_tokens,
        cache_read_tokens=sums.cache_read_tokens,
        output_tokens=sums.output_tokens,
        reasoning_tokens=sums.reasoning_tokens,
        without_tokens=sums.without_tokens,
        list_cost=sums.list_cost,
        without_list_cost=sums.without_list_cost,
        compute_cost=sums.compute_cost,
        without_compute_cost=sums.without_compute_cost,
        reported_cost=sums.reported_cost,
        list_priced_tokens=sums.list_priced_tokens,
        compute_priced_tokens=sums.compute_priced_tokens,
        gpu_seconds=sums.gpu_seconds,
        energy_j=sums.energy_j,
    )
