"""The ASGI application: Streamlit behind a gate that wants a session, and strict headers."""

from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tachograph_dashboard.login import LOGIN_PATH, Login, login_location
from tachograph_dashboard.service import Service
from tachograph_dashboard.sessions import COOKIE

if TYPE_CHECKING:
    from streamlit.starlette import App

SCRIPT = Path(__file__).with_name("app.py")

# 'unsafe-eval': Vega compiles chart expressions; 'unsafe-inline': Streamlit's own styles and boot
# script. What matters for captured text: nothing may be fetched from, or sent to, another origin.
CONTENT_SECURITY_POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
# What a visitor without a session may load: the form, and Streamlit's files, which hold no data.
_OPEN_PREFIXES = ("/static/", "/_stcore/health", "/favicon")


def create_app(service: Service) -> "App":
    """The dashboard as an ASGI application. `streamlit_options` must have been applied before."""
    from streamlit.starlette import App  # reads the options when it is imported

    return App(
        SCRIPT,
        routes=[] if service.settings.no_login else Login(service).routes(),
        middleware=[Middleware(Gate, service=service)],
    )


class Gate:
    """Refuses foreign Host headers, sends visitors without a session to the login page."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._hosts = {host.lower() for host in service.settings.allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._knows_host(headers.get("host", "")):
            await _refuse(scope, receive, send, 421, "Host not in allowed_hosts.")
            return
        if not self._may_pass(scope, headers):
            if scope["type"] == "http" and "text/html" in headers.get("accept", ""):
                query = scope.get("query_string", b"").decode("latin-1")
                away = RedirectResponse(login_location(scope["path"], query), status_code=303)
                await away(scope, receive, _with_headers(send))
            else:
                await _refuse(scope, receive, send, 403, "Log in first.")
            return
        await self._app(scope, receive, _with_headers(send))

    def _knows_host(self, host: str) -> bool:
        if "*" in self._hosts:
            return True
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        return name.lower() in self._hosts

    def _may_pass(self, scope: Scope, headers: Headers) -> bool:
        path: str = scope["path"]
        if self._service.settings.no_login or path == LOGIN_PATH:
            return True
        if path.startswith(_OPEN_PREFIXES):
            return True
        return self._service.sessions.get(session_token(headers.get("cookie", ""))) is not None


def session_token(cookie_header: str) -> str | None:
    """The session's token in a Cookie header, if any."""
    try:
        morsel = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    await PlainTextResponse(reason, status_code=status)(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers
