"""Newer and older pages of a list that is read by cursor."""

import streamlit as st


class Pager:
    """Where a session stands in one list; another `subject` begins at the newest again."""

    def __init__(self, key: str, subject: tuple[object, ...]) -> None:
        self._key = f"_pager_{key}"
        kept = st.session_state.get(self._key)
        if kept is None or kept[0] != subject:
            begin: list[str | None] = [None]
            kept = (subject, begin)
            st.session_state[self._key] = kept
        self._cursors: list[str | None] = kept[1]

    @property
    def cursor(self) -> str | None:
        """What the page that is shown is asked with; None for the newest."""
        return self._cursors[-1]

    @property
    def number(self) -> int:
        """Number of the page that is shown, from 1 on."""
        return len(self._cursors)

    def draw(self, next_cursor: str | None, said: str) -> None:
        """The buttons, and beside them what the page shows (our own words)."""
        with st.container(
            key=f"pager{self._key}", horizontal=True, gap="small", vertical_alignment="center"
        ):
            if st.button("Newer", icon=":material/chevron_left:", disabled=self.number == 1):
                self._cursors.pop()
                st.rerun()
            if st.button(
                "Older",
                icon=":material/chevron_right:",
                icon_position="right",
                disabled=next_cursor is None,
            ):
                self._cursors.append(next_cursor)
                st.rerun()
            st.caption(f"Page {self.number}, {said}")
