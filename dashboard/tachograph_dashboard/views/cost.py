"""Cost: tenants and models, list price against compute price, and true unit cost."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import streamlit as st

from tachograph_dashboard import data, formats, theme
from tachograph_dashboard.components import charts
from tachograph_dashboard.components.cards import card, empty, lacks, missing
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import Scope, toolbar
from tachograph_dashboard.components.unit_costs import unit_cost_cards
from tachograph_dashboard.formats import currency_name
from tachograph_dashboard.sessions import Identity
from tachograph_store.queries.cost import MAX_SEGMENTS, CostSegment

UNNAMED = "(none)"
MAX_CURRENCIES = 4

COLUMNS = {
    "requests": Column("Requests", "number", "%d"),
    "input_tokens": Column("Input tokens", "number", "%d"),
    "cached_percent": Column("Cached (%)", "number", "%.1f", help="of the input tokens"),
    "output_tokens": Column("Output tokens", "number", "%d"),
    "list_cost": Column("List", "number", "%.6f", help="list price of the hosted model"),
    "list_per_million": Column("List / M tokens", "number", "%.4f"),
    "compute_cost": Column("Compute", "number", "%.6f", help="price of the machine time used"),
    "compute_per_million": Column("Compute / M", "number", "%.4f", help="per million tokens"),
    "energy_j": Column("Energy (J)", "number", "%.0f"),
}


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("Cost", identity.project)
    segments = data.cost_by_segment(scope.selection)
    if not segments:
        empty("No request in this time range", ["Widen the time range or clear a filter."])
        return
    if len(segments) >= MAX_SEGMENTS:
        st.caption(f"The {MAX_SEGMENTS:,} busiest combinations of tenant and model are counted.")
    books = _by_currency(segments)
    for index, (currency, members) in enumerate(books[:MAX_CURRENCIES]):
        _tiles(members, currency, key=f"money-{index}")
    if len(books) > 1:
        st.caption("Amounts of different currencies are never added.")
    _course(scope, segments)
    unit_cost_cards(scope)
    for index, (currency, members) in enumerate(books[:MAX_CURRENCIES]):
        unit = f"money in {currency_name(currency)}" if currency else "nothing is priced"
        with card("Tenants", unit):
            _grouped(scope, members, "Tenant", f"tenants-{index}", lambda segment: segment.tenant)
        with card("Models", unit):
            _grouped(scope, members, "Model", f"models-{index}", lambda segment: segment.model)


def _by_currency(segments: Sequence[CostSegment]) -> list[tuple[str, list[CostSegment]]]:
    """Segments by currency; those without one (nothing was priced) join the only other one."""
    groups: dict[str, list[CostSegment]] = {}
    for segment in segments:
        groups.setdefault(segment.currency or "", []).append(segment)
    if len(groups) == 2 and "" in groups:
        unpriced = groups.pop("")
        next(iter(groups.values())).extend(unpriced)
    return sorted(groups.items())


def _tiles(segments: Sequence[CostSegment], currency: str, key: str) -> None:
    requests = sum(segment.requests for segment in segments)
    listed = _total(segment.list_cost for segment in segments)
    computed = _total(segment.compute_cost for segment in segments)
    list_tokens = _total(segment.list_priced_tokens for segment in segments)
    compute_tokens = _total(segment.compute_priced_tokens for segment in segments)
    without_list = sum(segment.without_list_cost for segment in segments)
    without_compute = sum(segment.without_compute_cost for segment in segments)
    tiles(
        [
            Tile(
                "List price",
                formats.money(listed, currency),
                missing(without_list, requests, "list price") or "all requests priced",
                link={},
            ),
            Tile(
                "Compute price",
                formats.money(computed, currency),
                missing(without_compute, requests, "compute price") or "all requests priced",
                link={},
            ),
            Tile(
                "List price per M tokens",
                formats.money(_per_million(listed, list_tokens), currency),
                "input and output together",
            ),
            Tile(
                "Compute price per M tokens",
                formats.money(_per_million(computed, compute_tokens), currency),
                "input and output together",
            ),
        ],
        key,
    )


def _course(scope: Scope, segments: Sequence[CostSegment]) -> None:
    listed: dict[str, dict[datetime, float | None]] = {}
    computed: dict[str, dict[datetime, float | None]] = {}
    for point in data.cost_series(scope.selection, scope.window.step_s):
        name = currency_name(point.currency or "")
        if point.list_cost is not None:
            listed.setdefault(name, {})[point.step] = float(point.list_cost)
        if point.compute_cost is not None:
            computed.setdefault(name, {})[point.step] = float(point.compute_cost)
    requests = sum(segment.requests for segment in segments)
    step = f"per {formats.seconds(scope.window.step_s)}"
    left, right = st.columns(2)
    with left, card("List price", step):
        _chart(scope, listed, theme.PURPLE)
        without = sum(segment.without_list_cost for segment in segments)
        lacks(missing(without, requests, "list price"))
    with right, card("Compute price", step):
        _chart(scope, computed, theme.GREEN)
        without = sum(segment.without_compute_cost for segment in segments)
        lacks(missing(without, requests, "compute price"))


def _chart(scope: Scope, series: dict[str, dict[datetime, float | None]], color: str) -> None:
    if not series:
        st.caption("Nothing is priced in this time range.")
    elif len(series) == 1:
        charts.bars(scope.window, series, unit=next(iter(series)), colors=(color,))
    else:
        charts.lines(scope.window, series, unit="money, by currency")


def _grouped(
    scope: Scope,
    segments: Sequence[CostSegment],
    header: str,
    key: str,
    of: Callable[[CostSegment], str | None],
) -> None:
    groups: dict[str, list[CostSegment]] = {}
    for segment in segments:
        groups.setdefault(of(segment) or UNNAMED, []).append(segment)
    busiest = sorted(groups.items(), key=lambda group: -sum(s.requests for s in group[1]))
    rows = [{"name": name, **_sums(members)} for name, members in busiest]
    table(rows, {"name": Column(header), **COLUMNS}, zone=scope.zone, key=key)


def _sums(segments: Sequence[CostSegment]) -> dict[str, object]:
    input_tokens = _total(segment.input_tokens for segment in segments)
    cached = _total(segment.cache_read_tokens for segment in segments)
    listed = _total(segment.list_cost for segment in segments)
    computed = _total(segment.compute_cost for segment in segments)
    return {
        "requests": sum(segment.requests for segment in segments),
        "input_tokens": input_tokens,
        "cached_percent": 100 * cached / input_tokens
        if cached is not None and input_tokens
        else None,
        "output_tokens": _total(segment.output_tokens for segment in segments),
        "list_cost": listed,
        "list_per_million": _per_million(
            listed, _total(segment.list_priced_tokens for segment in segments)
        ),
        "compute_cost": computed,
        "compute_per_million": _per_million(
            computed, _total(segment.compute_priced_tokens for segment in segments)
        ),
        "energy_j": _total(segment.energy_j for segment in segments),
    }


def _total(values: Iterable[Decimal | float | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) if known else None


def _per_million(money: float | None, tokens: float | None) -> float | None:
    return None if money is None or not tokens else money / tokens * 1e6
