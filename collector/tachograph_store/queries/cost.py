"""Money, tokens, GPU-seconds and joules: who spent them on what."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection

MAX_SEGMENTS = 1000


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
    list_priced_tokens: float | None
    compute_priced_tokens: float | None
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
    rows = store.rows("cost_by_segment", {**selection.parameters(), "limit": MAX_SEGMENTS})
    return [CostSegment(**row) for row in rows]


def cost_series(store: Store, selection: Selection, step_s: int) -> list[CostPoint]:
    """Money in steps of `step_s` seconds, oldest first."""
    rows = store.rows("cost_series", {**selection.parameters(), "step_s": step_s})
    return [
        CostPoint(
            step=datetime.fromtimestamp(row["step"], UTC),
            currency=row["currency"],
            list_cost=row["list_cost"],
            compute_cost=row["compute_cost"],
        )
        for row in rows
    ]
