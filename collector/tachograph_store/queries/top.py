"""Who and what has the most: tenants, users, models and sessions by time, money or tokens.

The single requests with the most are those that `finding.find_traces` answers in the same orders.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.known_days import known_days
from tachograph_store.queries.selection import Selection, whole_days

TopKind = Literal["tenant", "user", "model", "session"]
TopOrder = Literal["slowest", "dearest", "longest_prompt", "most_tokens"]
"""By mean duration; list price (compute price where there is none); longest single prompt; tokens
in and out together."""

MAX_SEGMENTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TopSegment:
    """One tenant, user, model or session; None where nothing is known."""

    segment: str
    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    longest_prompt_tokens: int | None
    list_cost: Decimal | None
    compute_cost: Decimal | None
    cost_currency: str | None
    mean_duration_s: float
    max_duration_ns: int


def top_segments(
    store: Store, selection: Selection, by: TopKind, order: TopOrder, limit: int = 50
) -> list[TopSegment]:
    """The first `limit` segments in that order; requests without the fact are left out."""
    return run(
        store,
        "top_segments",
        TopSegment,
        **selection.parameters(),
        **whole_days(selection.since, selection.until),
        **known_days(store, selection).parameters(),
        by=by,
        order=order,
        limit=max(1, min(limit, MAX_SEGMENTS)),
    )
