"""Traces by what their requests said, lacked or scored: the ways from a number to its traces."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal

from tachograph.semconv.values import GENERATIVE_OPERATIONS
from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.cursor import newest_first
from tachograph_store.queries.overview import has_skips
from tachograph_store.queries.quality import THRESHOLD
from tachograph_store.queries.search import parse_search
from tachograph_store.queries.selection import Selection, nanoseconds, whole_days
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


@dataclass(frozen=True, slots=True)
class _Place:
    trace_id: str
    newest_ns: int
    place: float  # in the order asked for, the first have the highest
    looked_at: int  # spans whose traces were told apart


_BY_TIME: Final[Mapping[str, object]] = {"whole_from": "", "whole_until": "", "is_whole": False}


def _first_of(one: Sequence[_Place], other: Sequence[_Place], limit: int) -> list[_Place]:
    """The first places of two lists in the same order, each trace at its first one."""
    first: dict[str, _Place] = {}
    for place in sorted((*one, *other), key=lambda p: (-p.place, -p.newest_ns, p.trace_id)):
        first.setdefault(place.trace_id, place)
    return list(first.values())[:limit]


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
        "operations": sorted(GENERATIVE_OPERATIONS),
        "has_skips": only == "unscored" and has_skips(store, selection),
        "limit": limit + 1,
    }
    since_ns = nanoseconds(selection.since)

    def ask(
        begin_ns: int, days: Mapping[str, object] = _BY_TIME, depth: int = _DEPTH
    ) -> list[_Place]:
        found = run(
            store,
            "traces_found",
            _Place,
            **{**parameters, "since_ns": begin_ns, "depth": depth, **days},
        )
        # A few traces of very many spans may fill what was looked at.
        if 0 < len(found) <= limit and found[0].looked_at == depth < _ALL:
            return ask(begin_ns, days, _ALL)
        return found

    if order == "newest":
        places = newest_first(ask, nanoseconds(selection.until), since_ns, limit + 1)
    else:
        days = whole_days(selection.since, selection.until)
        asked: list[Mapping[str, object]] = [{**days, "is_whole": False}]
        if days["whole_from"]:
            prices = ("list", "compute") if order == "dearest" else ("",)
            asked += [{**days, "is_whole": True, "price": price} for price in prices]
        with ThreadPoolExecutor(len(asked), thread_name_prefix="finding") as pool:
            answers = list(pool.map(lambda one: ask(since_ns, one), asked))
        places = answers[0]
        for answer in answers[1:]:
            places = _first_of(places, answer, limit + 1)
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
