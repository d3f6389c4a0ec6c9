"""Traces: find one, and open it."""

from collections.abc import Mapping, Sequence

import streamlit as st

from tachograph_dashboard import data
from tachograph_dashboard.components.cards import empty
from tachograph_dashboard.components.pager import Pager
from tachograph_dashboard.components.session_list import session_list
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.toolbar import Scope, toolbar
from tachograph_dashboard.components.top_list import top_list
from tachograph_dashboard.components.trace_detail import trace_detail
from tachograph_dashboard.components.url_state import in_url
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.sessions import Identity
from tachograph_dashboard.trace_filters import ONLY_LABELS, ORDER_LABELS
from tachograph_store.errors import QueryRefused
from tachograph_store.queries.finding import Only, Order
from tachograph_store.queries.traces import TraceFilter, TraceLine, TraceScores, start_of

PAGE_ROWS = 50
FOUND_ROWS = 200
MAX_SEARCH_CHARS = 200
VIEWS = ["Traces", "Sessions", "Who has the most"]
FIRST: Mapping[Order, str] = {
    "newest": "newest",
    "slowest": "slowest",
    "dearest": "most expensive",
    "longest_prompt": "longest",
    "most_tokens": "largest",
}
SEARCH_HELP = (
    "Words are found whole and in any case, all of them in one request's prompt or answer. "
    '`"a phrase"` finds words in this order, `*part*` letters inside words.'
)

COLUMNS = {
    "start": Column("Time", "time", format="MM-DD HH:mm:ss"),
    "name": Column("Name"),
    "models": Column("Model"),
    "tenant": Column("Tenant"),
    "duration_s": Column("Took (s)", "number", "%.2f"),
    "first_chunk_s": Column("First (s)", "number", "%.3f", help="time to first chunk"),
    "input_tokens": Column("In", "number", "%d", help="input tokens"),
    "output_tokens": Column("Out", "number", "%d", help="output tokens"),
    "list_cost": Column("List price", "number", "%.6f"),
    "lowest_score": Column("Lowest score", "number", "%.2f"),
    "errors": Column("Errors", "number", "%d"),
}


def render(identity: Identity) -> None:
    """The list, or one trace when the URL names it."""
    wanted = st.query_params.get("trace")
    if wanted:
        trace_detail(identity, wanted)
        return
    scope = toolbar("Traces", identity.project)
    view = in_url(
        "view",
        VIEWS[0],
        lambda asked: asked in VIEWS,
        lambda: st.segmented_control(
            "View", VIEWS, required=True, key="view", label_visibility="collapsed"
        ),
    )
    if view == "Sessions":
        session_list(scope, _open_session)
        return
    if view == "Who has the most":
        top_list(scope)
        return
    session = st.query_params.get("session")
    if session:
        _listed(scope, session)
        return
    with st.container(key="search", horizontal=True, gap="small"):
        text = in_url(
            "q",
            "",
            lambda asked: len(asked) <= MAX_SEARCH_CHARS,
            lambda: st.text_input(
                "Search",
                key="q",
                max_chars=MAX_SEARCH_CHARS,
                placeholder="Search prompts and answers, or paste a trace id",
                help=SEARCH_HELP,
                icon=":material/search:",
                label_visibility="collapsed",
                width=460,
            ),
        )
        shown = _box("only", list(ONLY_LABELS), 190)
        ordered = _box("order", list(ORDER_LABELS), 150)
    only, order = ONLY_LABELS[shown], ORDER_LABELS[ordered]
    sought = (text or "").strip()
    if _is_trace_id(sought):
        st.query_params.pop("q", None)  # or the way back would lead here again
        _open(sought.lower())
    if sought or only or order != "newest":
        _found(scope, only, order, sought)
    else:
        _listed(scope, None)


def _box(key: str, labels: Sequence[str], width: int) -> str:
    return in_url(
        key,
        labels[0],
        lambda asked: asked in labels,
        lambda: st.selectbox(
            key.capitalize(), labels, key=key, label_visibility="collapsed", width=width
        ),
    )


def _listed(scope: Scope, session: str | None) -> None:
    """Every trace, or every one of a session, page by page from the newest."""
    selection = scope.selection
    wanted = TraceFilter(
        project=selection.project,
        since=selection.since,
        until=selection.until,
        model=selection.model,
        tenant=selection.tenant,
        variant=selection.variant,
        session=session,
    )
    if session is not None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if st.button("All sessions", icon=":material/arrow_back:", key="sessions"):
                del st.query_params["session"]
                st.query_params["view"] = "Sessions"
                st.rerun()
            st.text(f"Session {one_line(session, 120)}", width="content")
    pager = Pager(
        "traces",
        (
            st.query_params.get("range"),
            selection.model,
            selection.tenant,
            selection.variant,
            session,
        ),
    )
    page = data.list_traces(wanted, PAGE_ROWS, pager.cursor)
    if not page.traces:
        empty("No trace in this time range", ["Widen the time range or clear a filter."])
    else:
        _table(scope, page.traces, page.scores, f"traces-{pager.number}")
    pager.draw(page.next_cursor, f"{len(page.traces)} traces. Pick a row to open it.")


def _found(scope: Scope, only: Only, order: Order, content: str) -> None:
    """Traces that pass, the first FOUND_ROWS of them."""
    try:
        found = data.find_traces(
            scope.selection, only=only, order=order, content=content, limit=FOUND_ROWS
        )
    except QueryRefused as error:
        st.warning("This cannot be searched for.", icon=":material/info:")
        st.text(str(error))
        return
    if not found.traces:
        empty("No trace matches", ["Widen the time range, or change the search or a filter."])
        return
    _table(scope, found.traces, found.scores, "traces-found")
    first = FIRST[order]
    said = f"The {first} {FOUND_ROWS} that match" if found.is_cut else "All that match"
    st.caption(f"{said}: {len(found.traces)} traces. Pick a row to open it.")


def _table(
    scope: Scope, lines: Sequence[TraceLine], scores: dict[str, TraceScores], key: str
) -> None:
    table(
        [_row(line, scores.get(line.trace_id)) for line in lines],
        COLUMNS,
        zone=scope.zone,
        key=key,
        on_pick=lambda row: _open(lines[row].trace_id),
        height=min(780, 38 + 35 * len(lines)),
    )


def _row(line: TraceLine, scores: TraceScores | None) -> dict[str, object]:
    return {
        "start": start_of(line),
        "name": line.name,
        "models": ", ".join(one_line(model, 60) for model in line.models),
        "tenant": line.tenant,
        "duration_s": line.duration_ns / 1e9,
        "first_chunk_s": line.time_to_first_chunk_s,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "list_cost": line.list_cost,
        "lowest_score": scores.lowest_score if scores else None,
        "errors": line.error_count,
    }


def _open_session(session: str) -> None:
    st.query_params["session"] = session
    st.query_params["view"] = VIEWS[0]
    st.rerun()


def _open(trace_id: str) -> None:
    st.query_params["trace"] = trace_id
    st.rerun()


def _is_trace_id(text: str) -> bool:
    return len(text) == 32 and all(char in "0123456789abcdefABCDEF" for char in text)
