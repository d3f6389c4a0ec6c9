"""The traces with the most of something: from the tops of days that were added up, others from spans."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from tachograph_store.client import Store
from tachograph_store.day_rollups import TOP_REQUESTS, TOP_TRACES
from tachograph_store.queries import run
from tachograph_store.queries.known_days import NO_DAYS, KnownDays, known_days
from tachograph_store.queries.selection import Selection, whole_days

Foremost = Literal["slowest", "dearest", "longest_prompt", "most_tokens"]


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A trace at the first of its requests in the order asked for."""

    trace_id: str
    newest_ns: int
    place: float  # in the order asked for, the first have the highest
    looked_at: int = 0  # spans whose traces were told apart


@dataclass(frozen=True, slots=True)
class _DayTop:
    trace_id: str
    newest_ns: int
    place: float
    day: date
    is_cut: bool  # the day may have more traces


_ENDS: Final = ("whole_from", "whole_until")
Ask = Callable[[Mapping[str, object]], list[FoundPlace]]
BY_TIME: Final[Mapping[str, object]] = {
    "whole_from": "",
    "whole_until": "",
    "is_whole": False,
    "known_partitions": [],
}
"""Parameters of `traces_found` that ask for a range without naming its whole days."""


def foremost_places(
    store: Store, selection: Selection, order: Foremost, limit: int, ask: Ask, *, has_tops: bool
) -> list[FoundPlace]:
    """The first `limit` places of the range. `ask` answers those of its spans, by the parameters of
    `traces_found` that say of which days; `has_tops`: days' tops answer the question too.
    """
    days: dict[str, object] = {**BY_TIME, **whole_days(selection.since, selection.until)}
    if not days["whole_from"]:
        return first_places(ask(days), limit)
    with ThreadPoolExecutor(3, thread_name_prefix="foremost") as pool:
        cut = pool.submit(ask, days)

        def of_spans(known: KnownDays) -> list[FoundPlace]:
            partitions = known.parameters()["known_partitions"]
            whole = {**days, "is_whole": True, "known_partitions": partitions}
            prices = ("list", "compute") if order == "dearest" else ("",)
            found = pool.map(ask, [{**whole, "price": price} for price in prices])
            return [place for places in found for place in places]

        known = known_days(store, selection, for_tops=True) if has_tops else NO_DAYS
        tops = _tops(store, selection.project, order, known)
        first, end = (datetime.strptime(str(days[name]), "%Y%m%d") for name in _ENDS)
        others = [] if len(known.days) == (end - first).days else of_spans(known)
        places = first_places((*cut.result(), *others, *map(_place, tops)), limit)
        hidden = _hidden(places, tops, limit)
        if hidden:
            left = [pair for pair in known.pairs() if pair[0] not in hidden]
            again = of_spans(KnownDays.of(left))
            places = first_places((*places, *again), limit)
    return places


def first_places(places: Iterable[FoundPlace], limit: int) -> list[FoundPlace]:
    """The first of all, each trace at its first place."""
    first: dict[str, FoundPlace] = {}
    for place in sorted(places, key=lambda p: (-p.place, -p.newest_ns, p.trace_id)):
        first.setdefault(place.trace_id, place)
    return list(first.values())[:limit]


def _tops(store: Store, project: str, order: Foremost, known: KnownDays) -> list[_DayTop]:
    if not known.days:
        return []
    return run(
        store,
        "day_tops",
        _DayTop,
        project=project,
        order=order,
        days=list(known.days),
        versions=list(known.versions),
        depth=TOP_TRACES,
        looked_at=TOP_REQUESTS,
    )


def _place(top: _DayTop) -> FoundPlace:
    return FoundPlace(top.trace_id, top.newest_ns, top.place)


def _hidden(places: Sequence[FoundPlace], tops: Sequence[_DayTop], limit: int) -> set[date]:
    """Days that may have traces among the first which are not among those kept of them."""
    ends: dict[date, tuple[float, int]] = {}
    for top in tops:
        if top.is_cut:
            end = (top.place, top.newest_ns)
            ends[top.day] = min(end, ends.get(top.day, end))
    if len(places) < limit:
        return set(ends)
    last = (places[-1].place, places[-1].newest_ns)
    return {day for day, end in ends.items() if end >= last}
