"""The router: who is there, which page. Streamlit runs this file once a rerun."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from tachograph_dashboard import access, navigation
from tachograph_dashboard.components.style import apply_style
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.service import installed
from tachograph_dashboard.sessions import Identity
from tachograph_dashboard.views import alerts, cost, gpu, ledger, overview, quality, traces
from tachograph_store.errors import StoreError

LOGO = Path(__file__).with_name("logo.svg")
FAVICON = Path(__file__).with_name("favicon.svg")  # an icon by name would come from a foreign host
VIEWS = (
    ("overview", "Overview", ":material/speed:", overview.render),
    ("traces", "Traces", ":material/account_tree:", traces.render),
    ("quality", "Quality", ":material/fact_check:", quality.render),
    ("cost", "Cost", ":material/payments:", cost.render),
    ("gpu", "GPU", ":material/memory:", gpu.render),
    ("alerts", "Alerts", ":material/notifications:", alerts.render),
    ("ledger", "Ledger", ":material/menu_book:", ledger.render),
)


def main() -> None:
    """Draw one page for whoever is logged in, or the way to the login page."""
    st.set_page_config(page_title="Tachograph", page_icon=FAVICON, layout="wide")
    apply_style()
    st.logo(LOGO, size="large")
    identity = access.identity()
    if identity is None:
        _logged_out()
        return
    pages = {
        path: st.Page(
            _page(render, identity),
            title=title,
            icon=icon,
            url_path=path,
            default=path == "overview",
        )
        for path, title, icon, render in VIEWS
    }
    navigation.register(pages)
    chosen = st.navigation(list(pages.values()), position="sidebar")
    with st.sidebar:
        _who(identity)
    chosen.run()


def _page(render: Callable[[Identity], None], identity: Identity) -> Callable[[], None]:
    def page() -> None:
        try:
            render(identity)
        except StoreError as error:
            st.error("The store did not answer this page.", icon=":material/database_off:")
            st.text(one_line(str(error), 500))
            st.caption("`tachograph doctor` says what is wrong; press refresh to read again.")

    page.__name__ = render.__module__.rsplit(".", 1)[-1]
    return page


def _who(identity: Identity) -> None:
    with st.container(key="who", gap="xsmall"):
        st.caption("Project")
        st.text(one_line(identity.project, 60))
        if installed().settings.no_login:
            st.caption("No login: everyone who reaches this port reads the project.")
            return
        st.caption(f"Logged in with role {identity.role}")
        if st.button("Log out", icon=":material/logout:", key="log_out", type="tertiary"):
            access.log_out()
            st.rerun()


def _logged_out() -> None:
    with st.container(horizontal_alignment="center"):
        st.header("You are logged out", anchor=False, width="content")
        st.html('<a href="/login" target="_self">Log in</a>', width="content")


main()
