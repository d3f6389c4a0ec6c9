"""Tenants, users, models and sessions with the most of something."""

from collections.abc import Mapping

import streamlit as st

from tachograph_dashboard import data
from tachograph_dashboard.components.cards import empty
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.toolbar import Scope
from tachograph_dashboard.components.url_state import in_url
from tachograph_store.queries.top import TopKind, TopOrder, TopSegment

ROWS = 50
KINDS: Mapping[str, TopKind] = {
    "Users": "user",
    "Tenants": "tenant",
    "Models": "model",
    "Sessions": "session",
}
ORDERS: Mapping[str, TopOrder] = {
    "by list price": "dearest",
    "by tokens": "most_tokens",
    "by mean duration": "slowest",
    "by longest prompt": "longest_prompt",
}
COLUMNS = {
    "segment": Column("Name"),
    "requests": Column("Requests", "number", "%d"),
    "errors": Column("Errors", "number", "%d"),
    "list_cost": Column("List price", "number", "%.6f"),
    "compute_cost": Column("Compute price", "number", "%.6f"),
    "input_tokens": Column("In", "number", "%d", help="input tokens"),
    "output_tokens": Column("Out", "number", "%d", help="output tokens"),
    "longest": Column("Longest prompt", "number", "%d", help="input tokens of one request"),
    "mean_s": Column("Mean (s)", "number", "%.2f", help="mean duration of a request"),
    "max_s": Column("Longest (s)", "number", "%.2f"),
}


def top_list(scope: Scope) -> None:
    """The first fifty of a kind, in an order that the URL keeps."""
    with st.container(key="top", horizontal=True, gap="small"):
        kind = _box("by", list(KINDS))
        order = _box("most", list(ORDERS))
    rows = data.top_segments(scope.selection, KINDS[kind], ORDERS[order], ROWS)
    if not rows:
        empty("No request in this time range names one", ["Widen the time range."])
        return
    table(
        [_row(row) for row in rows],
        COLUMNS,
        zone=scope.zone,
        key=f"top-{kind}-{order}",
        height=min(780, 38 + 35 * len(rows)),
    )
    st.caption(f"The first {len(rows)} {order}; requests that name none are left out.")


def _box(key: str, labels: list[str]) -> str:
    return in_url(
        key,
        labels[0],
        lambda asked: asked in labels,
        lambda: st.selectbox(
            key.capitalize(), labels, key=key, label_visibility="collapsed", width=190
        ),
    )


def _row(row: TopSegment) -> dict[str, object]:
    return {
        "segment": row.segment,
        "requests": row.requests,
        "errors": row.errors,
        "list_cost": row.list_cost,
        "compute_cost": row.compute_cost,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "longest": row.longest_prompt_tokens,
        "mean_s": row.mean_duration_s,
        "max_s": row.max_duration_ns / 1e9,
    }
