"""Charts: one look, axes with units, local time, gaps where nothing was measured.

Series names may be captured text: they go through `one_line`, and Vega draws them as SVG text or
escapes them in its tooltip. Column names are always ours.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from tachograph_dashboard import theme
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.window import Window

HEIGHT = 240
NUMBER = ",.3~r"
MAX_SERIES = len(theme.SERIES)

Series = Mapping[str, Mapping[datetime, float | None]]
"""Name of a line -> value at each step; steps it lacks are gaps."""


def lines(
    window: Window,
    series: Series,
    *,
    unit: str,
    number_format: str = NUMBER,
    colors: Sequence[str] = theme.SERIES,
    domain: tuple[float, float] | None = None,
    height: int = HEIGHT,
) -> None:
    """A line a series over the whole window; `MAX_SERIES` at most, said when there are more."""
    shown = dict(list(series.items())[:MAX_SERIES])
    # A lone step between gaps has no line: points make it seen, and carry the tooltip
    points = alt.OverlayMarkDef(size=14, filled=True, opacity=0.9)
    chart = (
        alt.Chart(_long(window, shown))
        .mark_line(strokeWidth=1.8, point=points, invalid="break-paths-show-domains")
        .encode(
            # Not said here: Vega-Lite draws broken paths at one point when the domain is given
            x=_time_axis(window, alt.Scale(nice=False)),
            y=alt.Y("value:Q", title=unit, axis=_value_axis(number_format), scale=_scale(domain)),
            color=_color([_label(name) for name in shown], colors, "stroke"),
            tooltip=_tooltip(unit, number_format),
        )
    )
    _draw(chart, height)
    if len(series) > MAX_SERIES:
        st.caption(f"{MAX_SERIES} of {len(series)} series are drawn.")


def bars(
    window: Window,
    series: Series,
    *,
    unit: str,
    number_format: str = NUMBER,
    colors: Sequence[str] = theme.SERIES,
    height: int = HEIGHT,
) -> None:
    """Stacked bars a step."""
    shown = dict(list(series.items())[:MAX_SERIES])
    frame = _long(window, shown)
    frame["end"] = frame["step"] + window.step_s * 900  # a gap of a tenth between bars
    frame["top"] = frame.groupby("step")["value"].cumsum()
    frame["base"] = frame["top"] - frame["value"]
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            # Bars that are null drop out of the domain: said, so that all charts of a page align
            x=_time_axis(window, alt.Scale(nice=False, domain=_domain_ms(window))),
            x2="end:T",
            y=alt.Y("base:Q", title=unit, axis=_value_axis(number_format)),
            y2="top:Q",
            color=_color([_label(name) for name in shown], colors, "square"),
            tooltip=_tooltip(unit, number_format),
        )
    )
    _draw(chart, height)


def histogram(counts: Sequence[int], *, bad_below: float, height: int = 120) -> None:
    """Ten bars over [0, 1]; those under the threshold in the colour of bad."""
    frame = pd.DataFrame(
        {
            "low": [tenth / 10 for tenth in range(10)],
            "high": [(tenth + 1) / 10 for tenth in range(10)],
            "answers": list(counts),
            "kind": ["below" if tenth / 10 < bad_below else "above" for tenth in range(10)],
        }
    )
    chart = (
        alt.Chart(frame)
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title="score", scale=alt.Scale(domain=[0, 1])),
            x2="high:Q",
            y=alt.Y("answers:Q", title="answers", axis=_value_axis("~s")),
            color=alt.Color(
                "kind:N",
                legend=None,
                scale=alt.Scale(domain=["below", "above"], range=[theme.VERMILION, theme.BLUE]),
            ),
            tooltip=[alt.Tooltip("low:Q"), alt.Tooltip("high:Q"), alt.Tooltip("answers:Q")],
        )
    )
    _draw(chart, height)


def _long(window: Window, series: Series) -> pd.DataFrame:
    steps = window.steps()
    return pd.DataFrame(
        [
            {"step": step.timestamp() * 1000, "series": _label(name), "value": values.get(step)}
            for name, values in series.items()
            for step in steps
        ]
    ).astype({"value": "float64"})


def _label(name: str) -> str:
    return one_line(name, 48) or "–"


def _time_axis(window: Window, scale: alt.Scale) -> alt.X:
    if window.duration_s <= 48 * 3600:
        shown = "%H:%M"
    else:
        shown = "%d %b" if window.duration_s > 3 * 86400 else "%d %b %H:%M"
    return alt.X(
        "step:T",
        title=None,
        axis=alt.Axis(format=shown, grid=False, labelOverlap=True, tickCount=8),
        scale=scale,
    )


def _domain_ms(window: Window) -> list[float]:
    steps = window.steps()
    return [steps[0].timestamp() * 1000, (steps[-1].timestamp() + window.step_s) * 1000]


def _value_axis(number_format: str) -> alt.Axis:
    return alt.Axis(format=number_format, tickCount=4, domain=False, ticks=False, titlePadding=8)


def _scale(domain: tuple[float, float] | None) -> alt.Scale:
    return alt.Scale(domain=list(domain)) if domain else alt.Scale(zero=True, nice=True)


def _color(names: Sequence[str], colors: Sequence[str], symbol: str) -> alt.Color:
    columns = 3 if len(names) > 4 else 4
    legend = (
        alt.Legend(
            orient="top",
            title=None,
            labelLimit=220,
            symbolType=symbol,
            offset=2,
            padding=0,
            columns=columns,
        )
        if len(names) > 1
        else None
    )
    return alt.Color(
        "series:N",
        legend=legend,
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=list(colors[: len(names)])),
    )


def _tooltip(unit: str, number_format: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("step:T", title="from", format="%Y-%m-%d %H:%M:%S"),
        alt.Tooltip("series:N", title="series"),
        alt.Tooltip("value:Q", title=unit, format=number_format),
    ]


def _draw(chart: Any, height: int) -> None:
    padded = chart.configure(padding={"left": 4, "right": 8, "top": 4, "bottom": 4})
    st.altair_chart(padded.configure_view(strokeWidth=0), width="stretch", height=height)
