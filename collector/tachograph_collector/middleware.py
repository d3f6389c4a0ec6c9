"""Around every request: an id, a count, and headers that keep answers out of browsers' hands."""

import logging
import re
import uuid
from collections import Counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tachograph.semconv import headers as h

_LOGGER = logging.getLogger(__name__)
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class RequestCounter:
    """Requests since the start by route and status: the route's pattern, never its values."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()
        self.grpc_counts: Counter[tuple[str, str]] = Counter()
        """Calls by service and the name of their status code."""


class RequestEnvelope:
    """Gives each answer `x-request-id` and `nosniff`, and counts it."""

    def __init__(self, app: ASGIApp, counter: RequestCounter) -> None:
        self._app = app
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = Headers(scope=scope).get(h.REQUEST_ID, "")
        if not _ACCEPTABLE_ID.fullmatch(request_id):
            request_id = uuid.uuid4().hex

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[h.REQUEST_ID] = request_id
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
                route = getattr(scope.get("route"), "path", "(none)")
                self._counter.counts[route, message["status"]] += 1
                if message["status"] >= 500:
                    _LOGGER.warning(
                        "%s answered %s, request %s", route, message["status"], request_id
                    )
            await send(message)

        await self._app(scope, receive, send_enveloped)
