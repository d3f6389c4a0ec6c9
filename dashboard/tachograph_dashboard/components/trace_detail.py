"""One trace: its course, its messages, what it took, what it was worth."""

from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard import data, formats
from tachograph_dashboard.components.bubbles import bubble, conversation
from tachograph_dashboard.components.cards import card, empty, lacks
from tachograph_dashboard.components.feedback import feedback
from tachograph_dashboard.components.neighbour_list import neighbour_list
from tachograph_dashboard.components.slow_causes import slow_causes
from tachograph_dashboard.components.span_facts import span_facts
from tachograph_dashboard.components.span_scores import span_scores
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import browser_zone
from tachograph_dashboard.components.waterfall import Bar, waterfall
from tachograph_dashboard.conversation import answer_text, messages
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.sessions import Identity
from tachograph_store.rows import ScoreRow, SpanRow


def trace_detail(identity: Identity, trace_id: str) -> None:
    """Draw the trace, or that the project has none of that id."""
    zone, zone_name = browser_zone()
    with st.container(key="title", horizontal=True, vertical_alignment="center"):
        st.header("Trace", anchor=False, width="content")
        if st.button("All traces", icon=":material/arrow_back:", key="back"):
            del st.query_params["trace"]
            st.rerun()
    spans = data.trace_spans(identity.project, trace_id)
    if not spans:
        empty(
            "This project has no such trace",
            ["It may have expired, or it belongs to another project."],
        )
        return
    scores = data.trace_scores(identity.project, trace_id)
    began = formats.nanosecond_moment(min(span.start_time for span in spans), zone)
    roots = [span for span in spans if not span.parent_span_id] or spans
    st.text(one_line(roots[0].name, 120))
    st.caption(f"{began} ({zone_name}) · trace {trace_id[:32] if trace_id.isalnum() else ''}")
    _tiles(spans, scores)
    with card("Course", f"{len(spans):,} spans"):
        waterfall([_bar(span) for span in spans])
    calls = _calls(spans)
    if not calls:
        st.caption("No span of this trace is a model call.")
        return
    call = calls[0] if len(calls) == 1 else _pick(calls)
    left, right = st.columns([3, 2])
    with left:
        _messages(call)
    with right:
        own = [score for score in scores if score.span_id in _same_request(call, spans)]
        with card("Scores", "1 is good", fills=False):
            span_scores(own, answer_text(call.completion), zone)
        with card("Your verdict", "kept with your key's name", fills=False):
            judged_names = sorted({score.name for score in own if score.source == "evaluator"})
            feedback(identity, call.trace_id, call.span_id, judged_names)
        span_facts(call, zone)
    slow_causes(call)
    neighbour_list(call, zone)


def _tiles(spans: Sequence[SpanRow], scores: Sequence[ScoreRow]) -> None:
    counted = [span for span in spans if span.is_counted]
    start = min(span.start_time for span in spans)
    stop = max(span.start_time + span.duration_ns for span in spans)
    values = [score.value for score in scores if score.value is not None]
    first_chunks = [s.time_to_first_chunk_s for s in counted if s.time_to_first_chunk_s is not None]
    costs = [span.list_cost for span in counted if span.list_cost is not None]
    joules = [span.energy_j for span in counted if span.energy_j is not None]
    failed = sum(span.status_code == "ERROR" for span in spans)
    currency = next((span.cost_currency for span in counted if span.cost_currency), "")
    tokens_in = [span.input_tokens for span in counted if span.input_tokens is not None]
    tokens_out = [span.output_tokens for span in counted if span.output_tokens is not None]
    tiles(
        [
            Tile(
                "Duration",
                formats.nanoseconds(stop - start),
                f"{failed} {'span' if failed == 1 else 'spans'} failed"
                if failed
                else "no span failed",
            ),
            Tile(
                "First chunk",
                formats.seconds(min(first_chunks) if first_chunks else None),
                "from arrival" if first_chunks else "not streamed, or not seen",
            ),
            Tile(
                "Tokens",
                f"{formats.count(sum(tokens_in) if tokens_in else None)} → "
                f"{formats.count(sum(tokens_out) if tokens_out else None)}",
                "input → output, counted once",
            ),
            Tile(
                "List price",
                formats.money(sum(costs) if costs else None, currency or ""),
                f"{formats.joules(sum(joules) if joules else None)} of GPU energy",
            ),
            Tile(
                "Lowest score",
                formats.number(min(values) if values else None),
                f"of {len(values)} scores" if values else "not yet scored",
            ),
        ]
    )


def _bar(span: SpanRow) -> Bar:
    if span.status_code == "ERROR":
        kind = "error"
    elif span.observer == "engine":
        kind = "engine"
    else:
        kind = "model call" if span.operation else "other"
    return Bar(
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=f"{span.name} ({span.observer})" if span.operation else span.name,
        kind=kind,
        start_time=span.start_time,
        duration_ns=span.duration_ns,
        first_chunk_s=span.time_to_first_chunk_s if span.is_counted else None,
    )


def _calls(spans: Sequence[SpanRow]) -> list[SpanRow]:
    """The counted model calls; where none counts, whatever carries content."""
    counted = [span for span in spans if span.is_counted]
    return counted or [span for span in spans if span.prompt or span.completion]


def _pick(calls: Sequence[SpanRow]) -> SpanRow:
    first = min(call.start_time for call in calls)
    index = st.selectbox(
        "Model call",
        range(len(calls)),
        format_func=lambda at: (
            f"{at + 1} of {len(calls)}: {one_line(calls[at].name, 60)}, "
            f"after {formats.nanoseconds(calls[at].start_time - first)}"
        ),
        key="call",
    )
    return calls[index or 0]


def _same_request(call: SpanRow, spans: Sequence[SpanRow]) -> set[str]:
    """Scores may be on the client's or the proxy's span of one request."""
    return {
        span.span_id
        for span in spans
        if span.span_id == call.span_id
        or (span.request_id is not None and span.request_id == call.request_id)
    }


def _messages(call: SpanRow) -> None:
    with card("Conversation", "captured text, shown as it is", fills=False):
        turns = messages(call.prompt, "user")
        answers = messages(call.completion, "assistant")
        if not turns and not answers:
            st.caption("No content was captured for this call, or it has expired.")
        conversation(turns, "prompt")
        if call.context:
            bubble("context", call.context, "context", "what the answer may rely on")
        conversation(answers, "answer")
        if call.status_code == "ERROR":
            st.error("The call failed.", icon=":material/error:")
            st.text(one_line(f"{call.error_type or ''} {call.status_message}", 500))
        lacks("parts were cut when they were recorded" if call.truncated else None)
