"""Links between pages. The router in app.py says which page objects there are."""

from collections.abc import Mapping

import streamlit as st
from streamlit.navigation.page import Page

_KEY = "_pages"
SHARED = ("range", "model", "tenant", "variant")
"""Query parameters that every page understands, see components.toolbar."""


def register(pages: Mapping[str, Page]) -> None:
    """Remember this run's pages by their URL path."""
    st.session_state[_KEY] = dict(pages)


def link(
    path: str, label: str, *, icon: str | None = None, parameters: Mapping[str, str] | None = None
) -> None:
    """A link that keeps range and filters. `label` is our own words: it is rendered as Markdown."""
    kept = {name: st.query_params[name] for name in SHARED if name in st.query_params}
    st.page_link(
        st.session_state[_KEY][path],
        label=label,
        icon=icon,
        query_params={**kept, **(parameters or {})},
    )


def go(path: str, parameters: Mapping[str, str] | None = None) -> None:
    """Switch to a page at once."""
    st.switch_page(st.session_state[_KEY][path], query_params=dict(parameters or {}))
