"""Thumbs up or down on an answer, sent to the collector with the user's own key."""

import streamlit as st

from tachograph_dashboard import data
from tachograph_dashboard.collector_client import CollectorUnavailable, FeedbackRefused
from tachograph_dashboard.service import installed
from tachograph_dashboard.sessions import Identity

MAX_COMMENT_CHARS = 2000
_SENT = "_feedback_sent"


def feedback(identity: Identity, trace_id: str, span_id: str) -> None:
    """A comment field and two buttons; says what became of the last press."""
    with st.container(key="feedback", horizontal=True, vertical_alignment="bottom", gap="small"):
        comment = st.text_input(
            "Comment",
            key=f"comment-{span_id}",
            max_chars=MAX_COMMENT_CHARS,
            placeholder="Comment (optional)",
            label_visibility="collapsed",
            width=360,
        )
        if st.button("Good", icon=":material/thumb_up:", key=f"good-{span_id}"):
            _send(identity, trace_id, span_id, True, comment)
        if st.button("Bad", icon=":material/thumb_down:", key=f"bad-{span_id}"):
            _send(identity, trace_id, span_id, False, comment)
    if st.session_state.pop(_SENT, None) == span_id:
        st.success("Feedback stored.", icon=":material/check:")


def _send(
    identity: Identity, trace_id: str, span_id: str, is_good: bool, comment: str | None
) -> None:
    try:
        installed().collector.post_feedback(
            identity.api_key,
            trace_id=trace_id,
            span_id=span_id,
            value=1.0 if is_good else 0.0,
            label="up" if is_good else "down",
            comment=comment or None,
        )
    except (CollectorUnavailable, FeedbackRefused) as error:
        st.error("The feedback was not stored.", icon=":material/error:")
        st.text(str(error))
        return
    st.session_state[_SENT] = span_id
    data.forget()
    st.rerun()
