"""People's labels on an answer, sent to the collector with the user's own key."""

from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard import data
from tachograph_dashboard.collector_client import CollectorUnavailable, FeedbackRefused
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.service import installed
from tachograph_dashboard.sessions import Identity

MAX_COMMENT_CHARS = 2000
MAX_LABEL_CHARS = 100
THUMBS = "thumbs"
_SENT = "_feedback_sent"
_WEIGHTS = "_label_weights"
_MAX_WEIGHTS = 1000


def remember_weight(span_id: str, weight: float) -> None:
    """The answer was drawn to be labelled: its label must be kept with this weight."""
    weights: dict[str, float] = st.session_state.setdefault(_WEIGHTS, {})
    weights[span_id] = weight
    while len(weights) > _MAX_WEIGHTS:
        del weights[next(iter(weights))]


def feedback(identity: Identity, trace_id: str, span_id: str, names: Sequence[str] = ()) -> None:
    """What the label is about (the whole answer, or one of the scores `names`), a label's word, a
    comment and two buttons; says what became of the last press."""
    with st.container(key="feedback", gap="small"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            about = st.selectbox(
                "About",
                (THUMBS, *(name for name in dict.fromkeys(names) if name != THUMBS)),
                format_func=lambda name: "the answer" if name == THUMBS else one_line(name, 40),
                key=f"about-{span_id}",
                label_visibility="collapsed",
                width=160,
            )
            label = st.text_input(
                "Label",
                key=f"label-{span_id}",
                max_chars=MAX_LABEL_CHARS,
                placeholder="Label (optional)",
                label_visibility="collapsed",
                width=150,
            )
        comment = st.text_input(
            "Comment",
            key=f"comment-{span_id}",
            max_chars=MAX_COMMENT_CHARS,
            placeholder="Comment (optional)",
            label_visibility="collapsed",
        )
        with st.container(horizontal=True, gap="small"):
            is_good = st.button("Good", icon=":material/thumb_up:", key=f"good-{span_id}")
            is_bad = st.button("Bad", icon=":material/thumb_down:", key=f"bad-{span_id}")
    if is_good or is_bad:
        _send(identity, trace_id, span_id, about or THUMBS, is_good, label, comment)
    if st.session_state.pop(_SENT, None) == span_id:
        st.success("Feedback stored.", icon=":material/check:")


def _send(
    identity: Identity,
    trace_id: str,
    span_id: str,
    about: str,
    is_good: bool,
    label: str | None,
    comment: str | None,
) -> None:
    weights: dict[str, float] = st.session_state.get(_WEIGHTS, {})
    plain = ("up", "down") if about == THUMBS else ("pass", "fail")
    try:
        installed().collector.post_feedback(
            identity.api_key,
            trace_id=trace_id,
            span_id=span_id,
            name=about,
            value=1.0 if is_good else 0.0,
            label=label or plain[0 if is_good else 1],
            comment=comment or None,
            sample_weight=weights.get(span_id, 1.0),
        )
    except (CollectorUnavailable, FeedbackRefused) as error:
        st.error("The feedback was not stored.", icon=":material/error:")
        st.text(str(error))
        return
    st.session_state[_SENT] = span_id
    data.forget()
    st.rerun()
