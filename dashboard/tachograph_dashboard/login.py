"""The login page: plain HTML without a script, outside Streamlit, so that the cookie is HttpOnly.

Nothing that a user or the collector sent is put into the page except through `html.escape`.
"""

import asyncio
import html
import math
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tachograph_dashboard.collector_client import CollectorUnavailable, KeyRefused
from tachograph_dashboard.service import Service
from tachograph_dashboard.sessions import COOKIE
from tachograph_dashboard.throttle import Throttle

LOGIN_PATH = "/login"
MAX_BODY_BYTES = 4096
FAILURE_PAUSE_S = 0.5

_PAGE = Template((Path(__file__).parent / "login.html").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Login:
    """`GET /login` the form, `POST /login` a key, `POST /logout` the end of a session."""

    service: Service
    throttle: Throttle = field(default_factory=Throttle)

    def routes(self) -> list[Route]:
        return [
            Route(LOGIN_PATH, self.show, methods=["GET"]),
            Route(LOGIN_PATH, self.submit, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form."""
        return _page(local_target(request.query_params.get("next")))

    async def submit(self, request: Request) -> Response:
        """Verify a pasted key and open a session for its project."""
        if not _same_origin(request):
            return _page("/", "The form was sent from another site.", status=403)
        form = parse_qs(await _body(request), keep_blank_values=True, max_num_fields=8)
        target = local_target(form.get("next", ["/"])[0])
        address = request.client.host if request.client else "unknown"
        wait_s = self.throttle.wait_s(address)
        if wait_s > 0:
            waiting = math.ceil(wait_s)
            return _page(
                target,
                f"Too many wrong keys from your address. Try again in {waiting} s.",
                status=429,
                headers={"Retry-After": str(waiting)},
            )
        try:
            identity = await run_in_threadpool(
                self.service.collector.whoami, form.get("key", [""])[0].strip()
            )
        except KeyRefused as error:
            self.throttle.failed(address)
            await asyncio.sleep(FAILURE_PAUSE_S)
            return _page(target, str(error), status=401)
        except CollectorUnavailable as error:
            return _page(target, str(error), status=503)
        self.throttle.succeeded(address)
        answer = RedirectResponse(target, status_code=303)
        answer.set_cookie(
            COOKIE,
            self.service.sessions.open(identity),
            max_age=int(self.service.settings.session_hours * 3600),
            httponly=True,
            samesite="strict",
            secure=self.service.settings.secure_cookie,
            path="/",
        )
        return answer


def login_location(path: str, query: str) -> str:
    """Where to send a visitor who has no session, keeping the page that was asked for."""
    target = path + (f"?{query}" if query else "")
    return LOGIN_PATH if target == "/" else f"{LOGIN_PATH}?next={quote(target, safe='')}"


async def _body(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return ""
    return body.decode("utf-8", errors="replace")


def _same_origin(request: Request) -> bool:
    """Browsers send Origin with every cross-site POST; other clients are not a danger here."""
    origin = request.headers.get("origin")
    return origin is None or origin.split("://", 1)[-1] == request.headers.get("host")


def local_target(path: str | None) -> str:
    """A path of this site, or `/`: never a way to another one."""
    if not path or not path.startswith("/") or unquote(path)[1:2] in ("/", "\\"):
        return "/"
    return path if path.isascii() and path.isprintable() and "\\" not in path else "/"


def _page(
    target: str, message: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    alert = f'<p class="message" role="alert">{html.escape(message)}</p>' if message else ""
    return HTMLResponse(
        _PAGE.substitute(message=alert, target=html.escape(target, quote=True)),
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
