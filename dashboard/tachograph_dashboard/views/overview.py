"""Overview: is it fast, is it failing, what does it cost, are the answers good."""

from collections.abc import Callable

import streamlit as st

from tachograph_dashboard import data, formats, theme, trace_filters
from tachograph_dashboard.components import charts
from tachograph_dashboard.components.cards import card, empty, lacks, missing
from tachograph_dashboard.components.gpu_strip import gpu_strip
from tachograph_dashboard.components.score_lines import score_lines
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import Scope, toolbar
from tachograph_dashboard.sessions import Identity
from tachograph_dashboard.window import Window
from tachograph_store.histogram import PERCENTILE_ERROR
from tachograph_store.queries.overview import Coverage, OverviewPoint, OverviewTotals

QUANTILE_COLORS = (theme.BLUE, theme.ORANGE, theme.VERMILION)
WITHIN = f"percentiles within {PERCENTILE_ERROR:.0%}"


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("Overview", identity.project)
    totals = data.overview_totals(scope.selection)
    if totals.requests == 0:
        _nothing(scope)
        return
    points = data.overview_series(scope.selection, scope.window.step_s)
    coverage = data.overview_unscored(scope.selection)
    _first_row(scope, totals, points)
    _second_row(scope, totals, points)
    left, right = st.columns(2)
    with left:
        _latency(scope.window, totals, points)
    with right:
        _first_chunk(scope.window, totals, points)
    left, right = st.columns(2)
    with left:
        _traffic(scope.window, points)
    with right:
        _tokens(scope.window, totals, points)
    left, right = st.columns(2)
    with left:
        _quality(scope, coverage)
    with right:
        _cost(scope.window, totals, points)
    gpu_strip(data.gpu_devices(scope.selection))


def _nothing(scope: Scope) -> None:
    if scope.is_narrowed:
        empty("No request matches these filters", ["Widen the time range or clear a filter."])
    else:
        empty(
            "No request was recorded in this time range",
            [
                (
                    "Point your client's `base_url` at the sidecar: "
                    "`tachograph sidecar --upstream http://127.0.0.1:8080`"
                ),
                "or call `tachograph.init()` in your application and wrap your OpenAI client.",
            ],
        )


def _first_row(scope: Scope, totals: OverviewTotals, points: list[OverviewPoint]) -> None:
    window = scope.window
    tiles(
        [
            Tile(
                "Requests",
                formats.count(totals.requests),
                f"{formats.frequency(totals.requests, window.duration_s)} on average",
                _course(window, points, lambda p: float(p.requests), is_total=True),
                link={},
            ),
            Tile(
                "Error rate",
                formats.percent(totals.errors / totals.requests),
                f"{formats.count(totals.errors)} failed",
                _course(window, points, lambda p: p.errors / p.requests),
                link=trace_filters.only("failed"),
                link_label="Failed traces",
            ),
            Tile(
                "Latency p50",
                formats.seconds(totals.duration.p50_s),
                f"p95 {formats.seconds(totals.duration.p95_s)}, "
                f"p99 {formats.seconds(totals.duration.p99_s)}",
                _course(window, points, lambda p: p.duration.p50_s),
                link=trace_filters.order("slowest"),
                link_label="Slowest traces",
            ),
            Tile(
                "First chunk p50",
                formats.seconds(totals.first_chunk.p50_s),
                f"p95 {formats.seconds(totals.first_chunk.p95_s)}, from arrival",
                _course(window, points, lambda p: p.first_chunk.p50_s),
                link={},
            ),
        ]
    )


def _second_row(scope: Scope, totals: OverviewTotals, points: list[OverviewPoint]) -> None:
    window = scope.window
    currency = totals.currencies[0] if len(totals.currencies) == 1 else ""
    tiles(
        [
            Tile(
                "Input tokens",
                formats.compact(totals.input_tokens),
                formats.frequency(totals.input_tokens, window.duration_s),
                _course(window, points, lambda p: _float(p.input_tokens), is_total=True),
                link={},
            ),
            Tile(
                "Output tokens",
                formats.compact(totals.output_tokens),
                formats.frequency(totals.output_tokens, window.duration_s),
                _course(window, points, lambda p: _float(p.output_tokens), is_total=True),
                link={},
            ),
            Tile(
                "List price",
                _money(totals.list_cost, totals, currency),
                "what a hosted model would cost",
                _course(window, points, lambda p: _float(p.list_cost), is_total=True),
                link={},
                link_label="Cost",
                target="cost",
            ),
            Tile(
                "Compute price",
                _money(totals.compute_cost, totals, currency),
                _spent(totals),
                _course(window, points, lambda p: _float(p.compute_cost), is_total=True),
                link={},
                link_label="Cost",
                target="cost",
            ),
        ],
        key="second",
    )


def _latency(window: Window, totals: OverviewTotals, points: list[OverviewPoint]) -> None:
    with card("Latency", "whole request, seconds"):
        charts.lines(
            window,
            {
                "p50": {p.step: p.duration.p50_s for p in points},
                "p95": {p.step: p.duration.p95_s for p in points},
                "p99": {p.step: p.duration.p99_s for p in points},
            },
            unit="s",
            colors=QUANTILE_COLORS,
        )
        lacks(f"{totals.requests:,} requests, failed ones included", WITHIN)


def _first_chunk(window: Window, totals: OverviewTotals, points: list[OverviewPoint]) -> None:
    with card("Time to first chunk", "from arrival, seconds"):
        charts.lines(
            window,
            {
                "p50": {p.step: p.first_chunk.p50_s for p in points},
                "p95": {p.step: p.first_chunk.p95_s for p in points},
            },
            unit="s",
            colors=QUANTILE_COLORS,
        )
        lacks(missing(totals.without_first_chunk, totals.requests, "first-chunk time"), WITHIN)


def _traffic(window: Window, points: list[OverviewPoint]) -> None:
    with card("Requests", f"per {formats.seconds(window.step_s)}"):
        charts.bars(
            window,
            {
                "succeeded": {p.step: float(p.requests - p.errors) for p in points},
                "failed": {p.step: float(p.errors) for p in points},
            },
            unit="requests",
            colors=(theme.BLUE, theme.VERMILION),
        )


def _tokens(window: Window, totals: OverviewTotals, points: list[OverviewPoint]) -> None:
    with card("Tokens", "per second"):
        step_s = window.step_s
        charts.bars(
            window,
            {
                "input": {p.step: _scaled(p.input_tokens, step_s) for p in points},
                "output": {p.step: _scaled(p.output_tokens, step_s) for p in points},
            },
            unit="tokens/s",
            colors=(theme.SKY, theme.ORANGE),
        )
        lacks(missing(totals.without_tokens, totals.requests, "token count"))


def _quality(scope: Scope, coverage: Coverage) -> None:
    with card("Quality", "mean score by evaluators, 1 is good"):
        if not score_lines(scope):
            empty("No score yet", ["Run `tachograph worker` and `tachograph beat`."])
        lacks(
            f"{coverage.unscored:,} of {coverage.answers:,} answers not yet scored"
            if coverage.unscored
            else None,
            f"{coverage.left_out:,} left out by sampling or the rules"
            if coverage.left_out
            else None,
        )


def _cost(window: Window, totals: OverviewTotals, points: list[OverviewPoint]) -> None:
    with card(
        "Cost", f"list price above, compute price below, per {formats.seconds(window.step_s)}"
    ):
        if len(totals.currencies) > 1:
            empty("Several currencies", ["They are not added: see the Cost page."])
            return
        currency = formats.currency_name("".join(totals.currencies))
        charts.bars(
            window,
            {"list price": {p.step: _float(p.list_cost) for p in points}},
            unit=currency,
            colors=(theme.PURPLE,),
            height=110,
        )
        charts.bars(
            window,
            {"compute price": {p.step: _float(p.compute_cost) for p in points}},
            unit=currency,
            colors=(theme.GREEN,),
            height=110,
        )
        lacks(
            missing(totals.without_list_cost, totals.requests, "list price"),
            missing(totals.without_compute_cost, totals.requests, "compute price"),
        )


def _course(
    window: Window,
    points: list[OverviewPoint],
    of: Callable[[OverviewPoint], float | None],
    *,
    is_total: bool = False,
) -> list[float]:
    """Values for a sparkline over the whole window.

    A step without requests is zero for a total; it is left out for what needs a request to be
    known, so that the shape stays right and the charts below show the gaps.
    """
    known = {point.step: of(point) for point in points}
    if is_total:
        return [known.get(step) or 0.0 for step in window.steps()]
    return [value for step in window.steps() if (value := known.get(step)) is not None]


def _spent(totals: OverviewTotals) -> str:
    if totals.compute_cost is None:
        return "needs a GPU or machine price in the settings"
    if totals.gpu_seconds is None:
        return "from the machine's hourly price: no GPU seen"
    return f"{formats.joules(totals.energy_j)}, {formats.seconds(totals.gpu_seconds)} of GPU"


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _scaled(value: int | None, step_s: int) -> float | None:
    return None if value is None else value / step_s


def _money(value: object, totals: OverviewTotals, currency: str) -> str:
    if len(totals.currencies) > 1:
        return "several currencies"
    return formats.money(_float(value), currency)
