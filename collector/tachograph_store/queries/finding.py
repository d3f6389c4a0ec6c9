"""Traces by what their requests said, lacked or scored: the ways from a number to its traces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tachograph_store.client import Store
from tachograph_store.message_events import OF_ANSWERS
from tachograph_store.queries import run
from tachograph_store.queries.cursor import newest_first
from tachograph_store.queries.foremost import BY_TIME, FoundPlace, foremost_places
from tachograph_store.queries.overview import has_skips
from tachograph_store.queries.quality import THRESHOLD
from tachograph_store.queries.search import parse_search
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.queries.told import has_told
from tachograph_store.queries.traces import TraceLine, TraceScores, lines_and_scores

Only = Literal["", "failed", "low_score", "unscored", "no_first_chunk", "no_tokens"]
_DEPTH = 1_000
_ALL = 4_294_967_295

Order = Literal["newest", "slowest", "dearest", "longest_prompt", "most_tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTraces:
    """Traces in the order asked for, and whether the limit left some out."""

    traces: Sequence[TraceLine]
    scores: dict[str, TraceScores]
    is_cut: bool


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
        BadSearch: see `tachograph_store.queries.search`.
    """
    parameters = {
        **selection.parameters(),
        **parse_search(content).parameters(),
        "only": only,
        "order": order,
        "price": "",
        "threshold": THRESHOLD,
        **OF_ANSWERS,
        "has_skips": only == "unscored" and has_skips(store, selection),
        "has_told": only == "unscored" and has_told(store, selection.range_parameters()),
        "limit": limit + 1,
    }
    since_ns = nanoseconds(selection.since)

    def ask(
        begin_ns: int, days: Mapping[str, object] = BY_TIME, depth: int = _DEPTH
    ) -> list[FoundPlace]:
        found = run(
            store,
            "traces_found",
            FoundPlace,
            **{**parameters, "since_ns": begin_ns, "depth": depth, **days},
        )
        # A few traces of very many spans may fill what was looked at.
        if 0 < len(found) <= limit and found[0].looked_at == depth < _ALL:
            return ask(begin_ns, days, _ALL)
        return found

    if order == "newest":
        places = newest_first(ask, nanoseconds(selection.until), since_ns, limit + 1)
    else:
        places = foremost_places(
            store,
            selection,
            order,
            limit + 1,
            lambda days: ask(since_ns, days),
            # Days' tops are those of all counted requests.
            has_tops=not only and not content.strip(),
        )
    shown = places[:limit]
    if not shown:
        return FoundTraces(traces=[], scores={}, is_cut=False)
    times = [place.newest_ns for place in shown]
    lines, scores = lines_and_scores(
        store,
        selection.project,
        [place.trace_id for place in shown],
        min(times),
        max(times),
    )
    return FoundTraces(traces=lines, scores=scores, is_cut=len(places) > limit)
