"""Unit cost: a million tokens on this machine, idle time paid, beside the hosted model's list price."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from tachograph_dashboard import data, formats, theme
from tachograph_dashboard.components.cards import card, lacks, missing
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.toolbar import Scope
from tachograph_dashboard.formats import currency_name
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.service import installed
from tachograph_store.queries.unit_cost import (
    MachinePrices,
    MachineUse,
    UnitCost,
    UnitCosts,
    cost_per_million,
)

UNNAMED: Final = "(none)"
MAX_BARS: Final = 8
_BAR_PX: Final = 34
_BUSY, _IDLE, _LIST = "used", "idle share", "list price"
_CURVE_POINTS: Final = 60

COLUMNS: Final = {
    "name": Column("Model or tenant"),
    "gpu_hours": Column("GPU-hours", "number", "%.3f", help="used by requests"),
    "energy_kj": Column("Energy (kJ)", "number", "%.1f", help="given to requests"),
    "tokens": Column("Tokens", "number", "%d", help="input and output"),
    "busy": Column("Used / M", "number", "%.4f", help="a million tokens, were it never idle"),
    "idle": Column("Idle share / M", "number", "%.4f", help="what idle time adds"),
    "own": Column("Own / M", "number", "%.4f", help="both together"),
    "listed": Column("List / M", "number", "%.4f", help="at the hosted model"),
    "break_even": Column("Break-even (%)", "number", "%.1f", help="utilisation; above 100: never"),
}


def unit_cost_cards(scope: Scope) -> None:
    """By model and by tenant, and the way to break-even of whoever used the machine most."""
    prices = machine_prices()
    if prices is None:
        with card("Unit cost", "own machine against list price"):
            st.caption("Nobody said what a GPU-hour costs.")
            st.markdown(
                "Set `TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE` (and `…_ELECTRICITY_PRICE_KWH`) for "
                "collector and dashboard."
            )
        return
    models = data.unit_costs(scope.selection, "model", prices)
    unit = f"{currency_name(prices.currency)} per million tokens, input and output together"
    left, right = st.columns([3, 2])
    with left, card("Unit cost", unit):
        _bars(models.segments, prices)
        lacks(*_lacking(models))
    with right, card("Break-even", "of the model that used the machine most"):
        _break_even(models, prices)
    with card("Unit cost by model", _machine_text(models.machine)):
        _table(scope, models.segments, "unit-models")
    tenants = data.unit_costs(scope.selection, "tenant", prices)
    with card("Unit cost by tenant", unit):
        _table(scope, tenants.segments, "unit-tenants")


def machine_prices() -> MachinePrices | None:
    """What the settings say; None without a price of the GPU-hour."""
    settings = installed().settings
    if settings.gpu_hour_price is None:
        return None
    return MachinePrices(
        gpu_hour=settings.gpu_hour_price,
        electricity_kwh=settings.electricity_price_kwh,
        currency=settings.currency,
    )


def _machine_text(machine: MachineUse) -> str:
    hours = formats.number(machine.gpu_s / 3600, 2)
    return (
        f"{formats.count(machine.gpu_count)} GPUs, {hours} GPU-hours seen, "
        f"{formats.percent(machine.utilization_ratio)} of them used by requests, "
        f"{formats.joules(machine.energy_j)} by the counters"
    )


def _lacking(costs: UnitCosts) -> list[str | None]:
    requests = sum(cost.requests for cost in costs.segments)
    without = sum(cost.without_energy for cost in costs.segments)
    said = [missing(without, requests, "GPU-seconds: their tokens count, their use does not")]
    if not costs.machine.gpu_count:
        said.append("no GPU was seen in this time range")
    elif costs.machine.energy_j is None:
        said.append("no energy counter was read: idle electricity is not in it")
    return said


def _bars(segments: Sequence[UnitCost], prices: MachinePrices) -> None:
    shown = [cost for cost in segments if cost.per_million is not None][:MAX_BARS]
    if not shown:
        st.caption("No request of this time range says what it used of a GPU.")
        return
    names = [_name(cost) for cost in shown]
    parts = [
        {"name": name, "part": part, "value": value}
        for name, cost in zip(names, shown, strict=True)
        for part, value in ((_BUSY, cost.busy_per_million), (_IDLE, cost.idle_per_million))
    ]
    listed = [
        {"name": name, "part": _LIST, "value": cost.list_per_million}
        for name, cost in zip(names, shown, strict=True)
        if cost.list_per_million is not None
    ]
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=180, ticks=False))
    color = alt.Color(
        "part:N",
        title=None,
        scale=alt.Scale(
            domain=[_BUSY, _IDLE, _LIST], range=[theme.GREEN, theme.GREY, theme.VERMILION]
        ),
        legend=alt.Legend(orient="top", symbolType="square", offset=2, padding=0),
    )
    tooltip = _tooltip(prices)
    layers: list[Any] = [
        alt.Chart(pd.DataFrame(parts))
        .mark_bar(size=_BAR_PX * 0.55)
        .encode(
            x=alt.X("value:Q", title=None, axis=alt.Axis(format=",.3~r", tickCount=5)),
            y=y,
            color=color,
            order=alt.Order("part:N", sort="descending"),
            tooltip=tooltip,
        )
    ]
    if listed:
        layers.append(
            alt.Chart(pd.DataFrame(listed))
            .mark_tick(thickness=4, size=_BAR_PX * 0.85)
            .encode(x="value:Q", y=y, color=color, tooltip=tooltip)
        )
    _draw(alt.layer(*layers), 90 + _BAR_PX * len(shown))
    if len(segments) > MAX_BARS:
        st.caption(f"{MAX_BARS} of {len(segments)} models are drawn.")


def _break_even(costs: UnitCosts, prices: MachinePrices) -> None:
    """Cost over utilisation against the list price, and where the machine stands now."""
    now = costs.machine.utilization_ratio
    cost = next((c for c in costs.segments if c.gpu_s and c.tokens), None)
    if cost is None or not cost.gpu_s or not cost.tokens or not now:
        st.caption("Nothing to draw: no tokens with GPU-seconds in this time range.")
        return
    tokens_per_gpu_s = cost.tokens / cost.gpu_s
    busy_w, idle_w = (cost.energy_j or 0.0) / cost.gpu_s, costs.machine.idle_power_w
    reach = min(1.0, 2.5 * max(now, min(1.0, cost.break_even_ratio or 0.0)))
    ratios = [reach * (index + 1) / _CURVE_POINTS for index in range(_CURVE_POINTS)]
    own = [cost_per_million(prices, tokens_per_gpu_s, busy_w, idle_w, ratio) for ratio in ratios]
    here = cost_per_million(prices, tokens_per_gpu_s, busy_w, idle_w, now)
    top = max(own[_CURVE_POINTS // 4], here, cost.list_per_million or 0.0) * 1.25
    x = alt.X("use:Q", title="utilisation", axis=alt.Axis(format=".3~%", tickCount=5, grid=False))
    y = alt.Y(
        "value:Q",
        title=None,
        axis=alt.Axis(format=",.3~r", tickCount=4, domain=False, ticks=False),
        scale=alt.Scale(domain=[0, top]),
    )
    frame = pd.DataFrame({"use": ratios, "value": own, "name": _name(cost), "part": "own"})
    tooltip = [alt.Tooltip("use:Q", title="utilisation", format=".1%"), *_tooltip(prices)]
    layers: list[Any] = [
        alt.Chart(frame)
        .mark_line(color=theme.GREEN, strokeWidth=2, clip=True)
        .encode(x=x, y=y, tooltip=tooltip),
        alt.Chart(frame.head(1).assign(use=now, value=here, part="now"))
        .mark_point(color=theme.GREEN, filled=True, size=90, opacity=1)
        .encode(x=x, y=y, tooltip=tooltip),
    ]
    if cost.list_per_million is not None:
        rule = pd.DataFrame({"value": [cost.list_per_million]})
        layers.append(
            alt.Chart(rule).mark_rule(color=theme.VERMILION, strokeDash=[6, 4]).encode(y=y)
        )
    _draw(alt.layer(*layers), 210)
    st.caption(_verdict(cost, now))


def _verdict(cost: UnitCost, now: float) -> str:
    used = f"{formats.percent(now)} used now (the dot)"
    if cost.list_per_million is None:
        return f"{used}; no list price to compare with: name a hosted equivalent."
    if cost.break_even_ratio is None or cost.break_even_ratio > 1:
        return f"{used}; the list price (dashed) is lower even at 100 %."
    return (
        f"{used}; as cheap as the list price (dashed) at {formats.percent(cost.break_even_ratio)}."
    )


def _table(scope: Scope, segments: Sequence[UnitCost], key: str) -> None:
    rows = [
        {
            "name": cost.segment or UNNAMED,
            "gpu_hours": None if cost.gpu_s is None else cost.gpu_s / 3600,
            "energy_kj": None if cost.energy_j is None else cost.energy_j / 1e3,
            "tokens": cost.tokens,
            "busy": cost.busy_per_million,
            "idle": cost.idle_per_million,
            "own": cost.per_million,
            "listed": cost.list_per_million,
            "break_even": None if cost.break_even_ratio is None else cost.break_even_ratio * 100,
        }
        for cost in segments
    ]
    table(rows, COLUMNS, zone=scope.zone, key=key)


def _name(cost: UnitCost) -> str:
    return one_line(cost.segment or UNNAMED, 48)


def _tooltip(prices: MachinePrices) -> list[alt.Tooltip]:
    unit = f"{currency_name(prices.currency)} / M tokens"
    return [
        alt.Tooltip("name:N", title="of"),
        alt.Tooltip("part:N", title="part"),
        alt.Tooltip("value:Q", title=unit, format=",.4~r"),
    ]


def _draw(chart: Any, height: int) -> None:
    padded = chart.configure(padding={"left": 4, "right": 8, "top": 4, "bottom": 4})
    st.altair_chart(padded.configure_view(strokeWidth=0), width="stretch", height=height)
