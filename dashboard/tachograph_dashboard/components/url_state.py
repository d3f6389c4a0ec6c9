"""Widgets whose value lives in the URL, so that a view can be shared, linked to and gone back to.

Streamlit's own binding loses a value when a link to another page carries it, so this keeps a copy
of what was last written: a URL that differs from it was changed by a link, a reload or the back
button, and wins; otherwise the widget does.
"""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

_WRITTEN = "_url_state"
MAX_VALUE_CHARS = 256

Value = TypeVar("Value", str, str | None)


def in_url(
    key: str,
    default: str,
    is_valid: Callable[[str], bool],
    widget: Callable[[], Value],
    *,
    on_every_page: bool = False,
) -> Value:
    """The value of `widget` (whose key is `key`), kept in query parameter `key`.

    The default value has no parameter. What stands `on_every_page` outlives a change of page.
    """
    written: dict[str, str] = st.session_state.setdefault(_WRITTEN, {})
    asked = st.query_params.get(key)
    if asked is not None and (len(asked) > MAX_VALUE_CHARS or not is_valid(asked)):
        asked = None
    chosen: str | None = st.session_state.get(key)
    if asked is not None and (chosen is None or asked != written.get(key)):
        chosen = asked
    elif chosen is None:
        chosen = written.get(key, default) if on_every_page else default
    # Always, as a widget that comes back on another page begins without its value
    st.session_state[key] = chosen
    value = widget()
    written[key] = value or default
    if written[key] != default:
        if st.query_params.get(key) != written[key]:
            st.query_params[key] = written[key]
    elif key in st.query_params:
        del st.query_params[key]
    return value
