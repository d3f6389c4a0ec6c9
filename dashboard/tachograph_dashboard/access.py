"""Whose page this is: the session behind the running script, checked on every run."""

import streamlit as st

from tachograph.semconv.values import Role
from tachograph_dashboard.collector_client import CollectorUnavailable, KeyRefused
from tachograph_dashboard.service import installed
from tachograph_dashboard.sessions import COOKIE, Identity

RECHECK_S = 60.0
"""A key that is revoked keeps its open pages no longer than this."""


def identity() -> Identity | None:
    """The project and role of this run; None when nobody is logged in.

    A session whose key the collector no longer knows is closed; when the collector is away the
    session goes on until its own end.
    """
    service = installed()
    if service.settings.no_login:
        return Identity(project=service.settings.project, role=Role.READ)
    token = current_token()
    found = service.sessions.get(token)
    if token is None or found is None or found.api_key is None:
        return found
    if service.sessions.due_for_check(token, RECHECK_S):
        try:
            service.collector.whoami(found.api_key)
        except KeyRefused:
            service.sessions.close(token)
            return None
        except CollectorUnavailable:
            return found
    return found


def current_token() -> str | None:
    """The session token of the browser, or the one a test put into the session state."""
    token: object = st.session_state.get(COOKIE) or st.context.cookies.get(COOKIE)
    return token if isinstance(token, str) else None


def log_out() -> None:
    """End this browser's session, in all its tabs."""
    token = current_token()
    if token is not None:
        installed().sessions.close(token)
