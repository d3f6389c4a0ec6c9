"""Frames: a card with a heading, what it lacks, and the honest word when there is nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st


@contextmanager
def card(title: str, caption: str = "", *, fills: bool = True) -> Iterator[None]:
    """A bordered block, as tall as its neighbour when it `fills`.

    Both texts are the dashboard's own words: they are rendered as Markdown.
    """
    with st.container(border=True, height="stretch" if fills else "content"):
        heading = f"**{title}**" + (f"&ensp;:gray[:small[{caption}]]" if caption else "")
        st.markdown(heading)
        yield


def lacks(*sentences: str | None) -> None:
    """What a chart or number does not include; plain text, nothing when all is there."""
    said = [sentence for sentence in sentences if sentence]
    if said:
        with st.container(horizontal=True, gap="small", key=None):
            st.caption(":material/info: " + " · ".join(said))


def missing(without: int, total: int, fact: str, noun: str = "requests") -> str | None:
    """`12 of 80 requests have no first-chunk time`, or None when none lacks it."""
    if not without or not total:
        return None
    if without == total:
        return f"none of the {total:,} {noun} has {fact}" if total > 1 else f"no {fact}"
    verb = "has" if without == 1 else "have"
    return f"{without:,} of {total:,} {noun} {verb} no {fact}"


def empty(title: str, steps: Sequence[str] = ()) -> None:
    """A page or card without rows: why, and what to do. Our own words only."""
    with st.container(key=None, horizontal_alignment="center", gap="small"):
        st.markdown(f"#### {title}", text_alignment="center")
        for step in steps:
            st.markdown(step, text_alignment="center", width="content")
