"""Why a request took as long as it did: its seconds by cause, as one bar and in words."""

import html
from collections.abc import Sequence
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from tachograph_dashboard import data, formats, theme
from tachograph_dashboard.components.cards import card, lacks
from tachograph_store.queries.slow_causes import Cause, Part
from tachograph_store.rows import SpanRow

BAR_PX: Final = 34
SHOWN_RATIO: Final = 0.01
"""Causes of a smaller share are in the bar, not in the words."""

COLORS: Final[dict[Cause, str]] = {
    "own_prompt": theme.BLUE,
    "own_answer": theme.SKY,
    "admission_queue": theme.PURPLE,
    "engine_queue": theme.ORANGE,
    "kv_pressure": "#B8A400",
    "neighbour_prefill": theme.VERMILION,
    "busy_batch": theme.GREEN,
    "throttled": "#B00020",
    "stalled": "#5B4B8A",
    "slow_client": "#8C564B",
    "unexplained": theme.GREY,
}


def slow_causes(call: SpanRow) -> None:
    """The causes of one model call's time, behind a switch: nobody else pays for the question."""
    with card("Why it took so long", "each second put down to one cause", fills=False):
        if not st.toggle("Explain the time of this request", key="slow-causes"):
            return
        found = data.slowness(call)
        if not found.parts:
            st.caption("It took no time.")
            return
        _bar(found.parts)
        st.html("".join(_line(part) for part in found.parts if part.ratio >= SHOWN_RATIO))
        phases = found.phases
        has_phases = phases.prefill_s or phases.decode_s or phases.queue_s
        lacks(
            None
            if has_phases
            else "its phases are not known: it was not streamed, and its engine did not tell",
            None
            if found.norm_calls
            else "no other call of its model tells the engine's usual speed",
        )


def _line(part: Part) -> str:
    """In words, with the colour that it has in the bar; no word of it is captured text."""
    said = f"{formats.percent(part.ratio)} · {formats.seconds(part.seconds)} · {part.said}"
    return f'<div><span style="color: {COLORS[part.cause]}">■</span> {html.escape(said)}</div>'


def _bar(parts: Sequence[Part]) -> None:
    rows: list[dict[str, object]] = []
    reached = 0.0
    for part in parts:
        rows.append(
            {
                "start": reached,
                "stop": reached + part.ratio,
                "cause": part.cause,
                "said": part.said,
                "seconds": part.seconds,
                "ratio": part.ratio,
            }
        )
        reached += part.ratio
    names = [part.cause for part in parts]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_rect()
        .encode(
            x=alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, 1])),
            x2="stop:Q",
            color=alt.Color(
                "cause:N",
                scale=alt.Scale(domain=names, range=[COLORS[name] for name in names]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("said:N", title="cause"),
                alt.Tooltip("seconds:Q", title="seconds", format=".3f"),
                alt.Tooltip("ratio:Q", title="share", format=".1%"),
            ],
        )
        .properties(height=BAR_PX)
    )
    st.altair_chart(chart, width="stretch")
