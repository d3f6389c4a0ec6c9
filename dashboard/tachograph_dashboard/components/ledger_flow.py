"""The books as a picture: a bar for each equation, its right side as parts of its left."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from tachograph_dashboard import theme
from tachograph_store.queries.ledger import Equation

BAR_PX: Final = 30
ROW_PX: Final = 74
_LEAST_SHARE: Final = 0.012
"""Of the width: a part of a few records among millions must be seen, it may be what was lost."""
_LABEL_SHARE: Final = 0.09
"""Of the width: what a name takes inside its part."""
COLORS: Final = {
    "accepted": theme.BLUE,
    "rejected": theme.VERMILION,
    "stored": theme.GREEN,
    "duplicate": theme.GREY,
    "waiting": theme.ORANGE,
    "quarantined": theme.PURPLE,
    "live": theme.GREEN,
    "expired": theme.GREY,
    "forgotten": theme.SKY,
    "not accounted for": "#B00020",
}


def flow(equations: Sequence[Equation]) -> None:
    """Draw them below each other, each as wide as the page."""
    parts = [part for row, equation in enumerate(equations) for part in _parts(row, equation)]
    heads = [{"row": row, "text": _head(equation)} for row, equation in enumerate(equations)]
    height = ROW_PX * len(equations)
    down = alt.Scale(domain=[0, len(equations)], reverse=True)
    is_dark = st.context.theme.type == "dark"
    ink, paper = (theme.DARK_INK, "#10161C") if is_dark else (theme.LIGHT_INK, "#FFFFFF")
    across = alt.Scale(domain=[0, 1])
    names = [name for name in COLORS if any(part["part"] == name for part in parts)]
    colors = [COLORS[name] for name in names]
    base = alt.Chart(pd.DataFrame(parts)).transform_calculate(
        top="datum.row + 0.42", bottom=f"datum.row + 0.42 + {BAR_PX / ROW_PX}"
    )
    bars = base.mark_rect(stroke=paper, strokeWidth=2).encode(
        x=alt.X("start:Q", scale=across, axis=None),
        x2="stop:Q",
        y=alt.Y("top:Q", scale=down, axis=None),
        y2="bottom:Q",
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=names, range=colors),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("part:N", title="became"),
            alt.Tooltip("count:Q", title="records", format=",d"),
            alt.Tooltip("share:Q", title="share", format=".4%"),
        ],
    )
    inside = (
        base.transform_filter(f"datum.stop - datum.start > {_LABEL_SHARE}")
        .transform_calculate(middle=f"datum.row + 0.42 + {BAR_PX / ROW_PX / 2}")
        .mark_text(color="white", fontWeight="bold", fontSize=13)
        .encode(
            x=alt.X("centre:Q", scale=across, axis=None),
            y=alt.Y("middle:Q", scale=down, axis=None),
            text="part:N",
        )
    )
    words = (
        alt.Chart(pd.DataFrame(heads))
        .transform_calculate(line="datum.row + 0.24", left="0")
        .mark_text(align="left", fontSize=14, dx=1, color=ink)
        .encode(
            x=alt.X("left:Q", scale=across, axis=None),
            y=alt.Y("line:Q", scale=down, axis=None),
            text="text:N",
        )
    )
    chart: Any = (bars + inside + words).configure_view(strokeWidth=0)
    padding = {"left": 4, "right": 8, "top": 2, "bottom": 2}
    st.altair_chart(chart.configure(padding=padding), width="stretch", height=height + 12)


def _head(equation: Equation) -> str:
    right = "  +  ".join(f"{name} {count:,}" for name, count in equation.right.items())
    left = "stored spans" if equation.left == "stored" else equation.left
    text = f"{left} {equation.left_count:,}  =  {right}"
    return text if not equation.difference else f"{text}   ({equation.difference:+,} missing)"


def _parts(row: int, equation: Equation) -> list[dict[str, Any]]:
    counts = {name: count for name, count in equation.right.items() if count}
    if equation.difference > 0:
        counts["not accounted for"] = equation.difference
    total = sum(counts.values())
    if not total:
        return []
    shares = {name: max(count / total, _LEAST_SHARE) for name, count in counts.items()}
    width = sum(shares.values())
    parts: list[dict[str, Any]] = []
    start = 0.0
    for name, share in shares.items():
        stop = start + share / width
        parts.append(
            {
                "row": row,
                "part": name,
                "count": counts[name],
                "share": counts[name] / total,
                "start": start,
                "stop": stop,
                "centre": (start + stop) / 2,
            }
        )
        start = stop
    return parts
