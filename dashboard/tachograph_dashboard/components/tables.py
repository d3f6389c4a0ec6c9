"""Tables: text cells through `one_line`, numbers aligned with their unit in the header.

The grid draws cells on a canvas as plain text. No column type that makes links, images, HTML or
Markdown is used for captured text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import pandas as pd
import streamlit as st

from tachograph_dashboard.plain_text import one_line

MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: text | number | time | share. `header` is ours, `format` a printf of the grid."""

    header: str
    kind: str = "text"
    format: str | None = None
    width: str | None = None
    help: str | None = None


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column],
    *,
    zone: tzinfo,
    key: str,
    on_pick: Callable[[int], None] | None = None,
    height: int | None = None,
) -> None:
    """Draw rows in the order of `columns`; `on_pick` is called with the index of a picked row."""
    shown = rows[:MAX_ROWS]
    frame = pd.DataFrame(
        {
            name: _series([row.get(name) for row in shown], column, zone)
            for name, column in columns.items()
        }
    )
    if on_pick is None:
        st.dataframe(
            frame,
            hide_index=True,
            column_config=_config(columns),
            key=key,
            height=height if height is not None else "auto",
            placeholder="–",
        )
    else:
        picked = st.dataframe(
            frame,
            hide_index=True,
            column_config=_config(columns),
            key=key,
            height=height if height is not None else "auto",
            placeholder="–",
            on_select="rerun",
            selection_mode="single-row",
        )
        chosen = picked["selection"]["rows"]
        if chosen and chosen[0] < len(shown):
            on_pick(chosen[0])
    if len(rows) > MAX_ROWS:
        st.caption(f"The first {MAX_ROWS:,} of {len(rows):,} rows.")


def _series(values: list[Any], column: Column, zone: tzinfo) -> "pd.Series[Any]":
    if column.kind == "text":
        cells = ["" if value is None else one_line(str(value)) for value in values]
        return pd.Series(cells, dtype="object")
    if column.kind == "time":
        # The grid shows naive times as they are: converted here, the page says the zone
        local = [_naive(value, zone) for value in values]
        return pd.Series(pd.to_datetime(pd.Series(local, dtype="object")))
    numbers = [None if value is None else float(value) for value in values]
    return pd.Series(numbers, dtype="Float64")


def _naive(value: datetime | None, zone: tzinfo) -> datetime | None:
    if value is None:
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)  # the store's times are UTC
    return aware.astimezone(zone).replace(tzinfo=None)


def _config(columns: Mapping[str, Column]) -> dict[str, Any]:
    return {name: _column(column) for name, column in columns.items()}


def _column(column: Column) -> Any:
    width: Any = column.width
    if column.kind == "text":
        return st.column_config.TextColumn(column.header, width=width, help=column.help)
    if column.kind == "time":
        shown = column.format or "YYYY-MM-DD HH:mm:ss"
        return st.column_config.DatetimeColumn(
            column.header, width=width, format=shown, help=column.help
        )
    if column.kind == "share":
        return st.column_config.ProgressColumn(
            column.header, width=width, format=column.format, min_value=0, max_value=1
        )
    return st.column_config.NumberColumn(
        column.header, width=width, format=column.format, help=column.help
    )
