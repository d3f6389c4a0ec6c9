"""Links between pages. The router in app.py says which page objects there are."""

from collections.abc import Mapping

import streamlit as st
from streamlit.navigation.page import Page

_KEY = "_pages"


def register(pages: Mapping[str, Page]) -> None:
    """Remember this run's pages by their URL path."""
    st.session_state[_KEY] = dict(pages)


def link(
    path: str, label: str, *, icon: str | None = None, parameters: Mapping[str, str] | None = None
) -> None:
    """A link to a page. `label` is the dashboard's own words: it is rendered as Markdown."""
    st.page_link(
        st.session_state[_KEY][path], label=label, icon=icon, query_params=dict(parameters or {})
    )


def go(path: str, parameters: Mapping[str, str] | None = None) -> None:
    """Switch to a page at once."""
    st.switch_page(st.session_state[_KEY][path], query_params=dict(parameters or {}))
