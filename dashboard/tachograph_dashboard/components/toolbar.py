"""The bar above every page: time range and filters, kept in the URL so that a view can be shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from tachograph_dashboard import data, window
from tachograph_dashboard.components.url_state import MAX_VALUE_CHARS, in_url
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.window import Window
from tachograph_store.queries.selection import Selection

MAX_LABEL_CHARS = 80


@dataclass(frozen=True, slots=True)
class Scope:
    """What a page shows: one project's rows of a window, perhaps narrowed."""

    selection: Selection
    window: Window
    zone: tzinfo
    is_narrowed: bool


def toolbar(title: str, project: str, *, with_filters: bool = True) -> Scope:
    """Draw the page's title and the bar; return what the bar says."""
    zone, zone_name = browser_zone()
    with st.container(key="title", horizontal=True, vertical_alignment="bottom"):
        st.header(title, anchor=False)
        st.caption(f"Times in {zone_name}", width="content")
    with st.container(key="toolbar", horizontal=True, vertical_alignment="bottom", gap="small"):
        name = in_url(
            "range",
            window.DEFAULT_RANGE,
            lambda asked: asked in window.RANGES,
            lambda: st.segmented_control(
                "Time range",
                list(window.RANGES),
                required=True,
                key="range",
                label_visibility="collapsed",
            ),
            on_every_page=True,
        )
        span = window.last(name or window.DEFAULT_RANGE, datetime.now(UTC))
        picked = _filters(project, span) if with_filters else (None, None, None)
        if st.button(
            "", icon=":material/refresh:", key="refresh", help="Read again", type="tertiary"
        ):
            data.forget()
    model, tenant, variant = picked
    selection = Selection(
        project=project,
        since=span.since,
        until=span.until,
        model=model,
        tenant=tenant,
        variant=variant,
    )
    return Scope(selection, span, zone, is_narrowed=any(value is not None for value in picked))


def browser_zone() -> tuple[tzinfo, str]:
    """The browser's time zone, UTC when it did not say."""
    name = st.context.timezone
    if name:
        try:
            return ZoneInfo(name), name
        except (ZoneInfoNotFoundError, ValueError):
            pass
    return UTC, "UTC"


def _filters(project: str, span: Window) -> tuple[str | None, str | None, str | None]:
    everything = Selection(project=project, since=span.since, until=span.until)
    offered = data.choices(everything)
    return (
        _choice("model", "All models", offered.models),
        _choice("tenant", "All tenants", offered.tenants),
        _choice("variant", "All variants", offered.variants),
    )


def _choice(key: str, everything: str, offered: Sequence[str]) -> str | None:
    """A select box over values seen; a value from the URL stays although it was not seen.

    The URL carries what the box shows, so captured values are offered as plain single lines.
    """
    by_label = {everything: None, **labelled(offered)}
    for wanted in (st.query_params.get(key), st.session_state.get(key)):
        if isinstance(wanted, str) and wanted not in by_label and len(wanted) <= MAX_VALUE_CHARS:
            by_label[wanted] = wanted
    label = in_url(
        key,
        everything,
        lambda asked: asked in by_label,
        lambda: st.selectbox(
            everything, list(by_label), key=key, label_visibility="collapsed", width=165
        ),
        on_every_page=True,
    )
    return by_label.get(label)


def labelled(values: Sequence[str]) -> dict[str, str | None]:
    """Values by a label that is visible, short and unlike the others."""
    by_label: dict[str, str | None] = {}
    for value in values:
        label = one_line(value, MAX_LABEL_CHARS)
        by_label[label if label not in by_label else f"{label} ({len(by_label)})"] = value
    return by_label
