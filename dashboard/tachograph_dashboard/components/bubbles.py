"""A conversation as chat bubbles of plain text."""

from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard.conversation import MAX_MESSAGES, Message, marked
from tachograph_dashboard.plain_text import MAX_CHARS, bounded, one_line, visible

PREVIEW_CHARS = 1500
OPENING, CLOSING = "⟦", "⟧"


def bubble(role: str, text: str, key: str, note: str = "") -> None:
    """One turn. `role` is one of conversation.ROLES or `context`; `note` is our own words."""
    with st.container(key=f"bubble-{role}-{key}", gap="xsmall"):
        st.caption(role.capitalize() + (f" · {note}" if note else ""))
        plain(text)


def plain(text: str) -> None:
    """Captured text: a preview, the rest on demand, never more than MAX_CHARS."""
    if not text:
        st.caption("(empty)")
        return
    shown = visible(text[: MAX_CHARS + 1])
    if len(shown) <= PREVIEW_CHARS:
        st.text(shown)
        return
    st.text(bounded(shown, PREVIEW_CHARS))
    label = f"Show more: {min(len(text), MAX_CHARS):,} of {len(text):,} characters"
    with st.expander(label, type="compact"):
        st.text(bounded(shown))


def conversation(turns: Sequence[Message], key: str) -> None:
    """Turns in order; the middle of a very long conversation is left out, and said."""
    shown = list(enumerate(turns))
    if len(shown) > MAX_MESSAGES:
        st.caption(f"The last {MAX_MESSAGES} of {len(shown):,} messages.")
        shown = shown[-MAX_MESSAGES:]
    for index, turn in shown:
        bubble(turn.role, turn.text, f"{key}-{index}")


def offending(text: str, offsets: Sequence[tuple[int, int, str]], context_chars: int = 60) -> None:
    """The passages that a score points at, in brackets within their surroundings."""
    pieces = marked(text, offsets)
    for index, (piece, label) in enumerate(pieces[:200]):
        if not label:
            continue
        before = pieces[index - 1][0] if index else ""
        after = pieces[index + 1][0] if index + 1 < len(pieces) else ""
        lead = ("…" if len(before) > context_chars else "") + before[-context_chars:]
        tail = after[:context_chars] + ("…" if len(after) > context_chars else "")
        st.text(
            f"{one_line(label, 60)}: "
            + visible(f"{lead}{OPENING}{bounded(piece, 400)}{CLOSING}{tail}"),
        )
