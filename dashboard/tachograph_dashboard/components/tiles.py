"""Tiles: one number each, its course as a sparkline, and the way to the traces behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from tachograph_dashboard import navigation


@dataclass(frozen=True, slots=True)
class Tile:
    """`value` is already formatted; `link` are query parameters of the page `target`."""

    label: str
    value: str
    note: str = ""
    course: Sequence[float] = ()
    link: Mapping[str, str] | None = None
    link_label: str = "Traces"
    target: str = "traces"


def tiles(row: Sequence[Tile], key: str = "first") -> None:
    """One row of tiles of equal width; `key` is its own among the rows of a page."""
    with st.container(key=f"tiles-{key}"):
        places = st.columns(len(row))
    for place, tile in zip(places, row, strict=True):
        with place.container(border=True, height="stretch", gap="xsmall"):
            st.metric(
                tile.label,
                tile.value,
                chart_data=list(tile.course) if len(tile.course) > 1 else None,
                chart_type="area",
            )
            if tile.note:
                st.caption(tile.note)
            if tile.link is not None:
                navigation.link(tile.target, f":small[{tile.link_label}]", parameters=tile.link)
