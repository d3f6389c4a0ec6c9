"""The spans of a trace on one time axis, children under their parents."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd
import streamlit as st

from tachograph_dashboard import formats, theme
from tachograph_dashboard.plain_text import one_line

MAX_BARS = 200
INDENT = "· "  # spaces at the start of a label are not drawn
NAMES_PX = 300
ROW_PX = 26
AXES_PX = 130  # legend, axis and title: the height given is that of the whole drawing


@dataclass(frozen=True, slots=True)
class Bar:
    """One span: times in ns, `kind` decides the colour."""

    span_id: str
    parent_span_id: str
    name: str
    kind: str  # model call | engine | error | other
    start_time: int
    duration_ns: int
    first_chunk_s: float | None = None


COLORS = {
    "model call": theme.BLUE,
    "engine": theme.GREEN,
    "error": theme.VERMILION,
    "other": theme.GREY,
}


def waterfall(spans: Sequence[Bar]) -> None:
    """Draw the spans; `MAX_BARS` at most, said when there are more."""
    ordered = tree_order(spans)[:MAX_BARS]
    origin = min(bar.start_time for _, bar in ordered)
    scale, unit = _unit(max(bar.start_time + bar.duration_ns for _, bar in ordered) - origin)
    frame = pd.DataFrame(
        [
            {
                "row": index,
                "label": INDENT * depth + one_line(bar.name, 48),
                "kind": bar.kind,
                "start": (bar.start_time - origin) / scale,
                "stop": (bar.start_time - origin + bar.duration_ns) / scale,
                "first_chunk": None
                if bar.first_chunk_s is None
                else (bar.start_time - origin + bar.first_chunk_s * 1e9) / scale,
                "duration": formats.nanoseconds(bar.duration_ns),
            }
            for index, (depth, bar) in enumerate(ordered)
        ]
    )
    rows = alt.Y("row:O", axis=None)
    bars = (
        alt.Chart(frame)
        .mark_bar(height=16, cornerRadius=3)
        .encode(
            y=rows,
            x=alt.X(
                "start:Q", title=f"{unit} since the first span began", axis=alt.Axis(grid=True)
            ),
            x2="stop:Q",
            color=alt.Color(
                "kind:N",
                legend=alt.Legend(orient="top", title=None),
                scale=alt.Scale(domain=list(COLORS), range=list(COLORS.values())),
            ),
            tooltip=[
                alt.Tooltip("label:N", title="span"),
                alt.Tooltip("duration:N"),
                alt.Tooltip("start:Q", title=f"start ({unit})", format=".3f"),
            ],
        )
    )
    ticks = (
        alt.Chart(frame)
        .transform_filter("isValid(datum.first_chunk)")
        .mark_tick(color=theme.ORANGE, thickness=3, height=20)
        .encode(
            y=rows,
            x="first_chunk:Q",
            tooltip=[alt.Tooltip("first_chunk:Q", title=f"first chunk ({unit})", format=".3f")],
        )
    )
    ink = theme.DARK_INK if st.context.theme.type == "dark" else theme.LIGHT_INK
    names = (
        alt.Chart(frame)
        .mark_text(align="left", baseline="middle", limit=NAMES_PX - 12, color=ink)
        .encode(y=rows, x=alt.value(-NAMES_PX), text="label:N")
    )
    durations = (
        alt.Chart(frame)
        .mark_text(align="left", baseline="middle", dx=6, color=ink)
        .encode(y=rows, x="stop:Q", text="duration:N")
    )
    chart = (bars + ticks + names + durations).properties(height=AXES_PX + ROW_PX * len(ordered))
    padding = {"left": NAMES_PX, "right": 70, "top": 4, "bottom": 4}
    st.altair_chart(chart.configure(padding=padding).configure_view(strokeWidth=0))
    if len(spans) > MAX_BARS:
        st.caption(f"The first {MAX_BARS} of {len(spans):,} spans.")
    if any(bar.first_chunk_s is not None for _, bar in ordered):
        st.caption("The orange mark is the first chunk of a streamed answer.")


def tree_order(spans: Sequence[Bar]) -> list[tuple[int, Bar]]:
    """(depth, span) parents before children, siblings by start; orphans and cycles as roots."""
    known = {bar.span_id for bar in spans}
    children: dict[str, list[Bar]] = {}
    for bar in sorted(spans, key=lambda bar: (bar.start_time, -bar.duration_ns, bar.span_id)):
        parent = bar.parent_span_id if bar.parent_span_id in known else ""
        children.setdefault(parent, []).append(bar)
    ordered: list[tuple[int, Bar]] = []
    seen: set[str] = set()
    stack = [(0, bar) for bar in reversed(children.get("", []))]
    rest = sorted(spans, key=lambda bar: bar.start_time, reverse=True)
    while stack or rest:
        if not stack:
            orphan = rest.pop()
            if orphan.span_id not in seen:
                stack.append((0, orphan))
            continue
        depth, bar = stack.pop()
        if bar.span_id in seen:
            continue
        seen.add(bar.span_id)
        ordered.append((depth, bar))
        stack.extend((depth + 1, child) for child in reversed(children.get(bar.span_id, [])))
    return ordered


def _unit(length_ns: int) -> tuple[float, str]:
    return (1e6, "ms") if length_ns < 10_000_000_000 else (1e9, "s")
