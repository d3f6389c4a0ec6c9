"""Traces by what their requests said, lacked or scored: the ways from a number to its traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tachograph.semconv.values import GENERATIVE_OPERATIONS
from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.cursor import stretches
from tachograph_store.queries.quality import THRESHOLD
from tachograph_store.queries.search import parse_search
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.queries.traces import TraceLine, TraceScores

Only = Literal["", "failed", "low_score", "unscored", "no_first_chunk", "no_tokens"]
Order = Literal["newest", "slowest", "dearest", "longest_prompt", "most_tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTraces:
    """Traces in the order asked for, and whether the limit left some out."""

    traces: Sequence[TraceLine]
    scores: dict[str, TraceScores]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Place:
    trace_id: str
    newest_ns: int


def find_traces(
    store: Store,
    selection: Selection,
    *,
    only: Only = "",
    order: Order = "newest",
    content: str = "",
    limit: int = 100,
) -> FoundTraces:
    """Traces with a counted request that passes; `content` is a search as people type it.

    Raises:
        QueryRefused: a search that cannot be asked, see `tachograph_store.queries.search`.
    """
    parameters = {
        **selection.parameters(),
        **parse_search(content).parameters(),
        "only": only,
        "order": order,
        "threshold": THRESHOLD,
        "operations": sorted(GENERATIVE_OPERATIONS),
        "limit": limit + 1,
    }
    since_ns = nanoseconds(selection.since)
    places: list[_Place] = []
    # The newest are mostly within the last hours; the slowest may be anywhere.
    newest_first = stretches(nanoseconds(selection.until), since_ns)
    for begin_ns in newest_first if order == "newest" else [since_ns]:
        places = run(store, "traces_found", _Place, **{**parameters, "since_ns": begin_ns})
        if len(places) > limit:
            break
    shown = places[:limit]
    if not shown:
        return FoundTraces(traces=[], scores={}, is_cut=False)
    trace_ids = [place.trace_id for place in shown]
    times = [place.newest_ns for place in shown]
    lines = run(
        store,
        "traces_lines",
        TraceLine,
        project=selection.project,
        trace_ids=trace_ids,
        newest_ns=max(times),
        oldest_ns=min(times),
    )
    scores = run(
        store, "traces_scores", TraceScores, project=selection.project, trace_ids=trace_ids
    )
    by_id = {line.trace_id: line for line in lines}
    return FoundTraces(
        traces=[by_id[trace_id] for trace_id in trace_ids if trace_id in by_id],
        scores={line.trace_id: line for line in scores},
        is_cut=len(places) > limit,
    )
