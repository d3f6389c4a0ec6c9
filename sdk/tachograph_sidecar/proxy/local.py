"""The sidecar's own routes, under `/_tachograph/`: nothing of them reaches the engine."""

import json
from collections.abc import Callable, Mapping
from typing import Protocol

from tachograph_sidecar.proxy.errors import error_body, write_response
from tachograph_sidecar.proxy.head import RequestHead

PREFIX = b"/_tachograph/"


class LocalClient(Protocol):
    """What a local exchange asks of its client connection."""

    @property
    def ends_after_response(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def exchange_done(self, exchange: "LocalExchange", must_close: bool) -> None: ...


class LocalExchange:
    """A request that the sidecar answers itself, once it is whole and its turn has come."""

    def __init__(
        self,
        client: LocalClient,
        head: RequestHead,
        state: Callable[[], Mapping[str, object]],
    ) -> None:
        self.head = head
        self._client = client
        self._state = state
        self._is_turn = False
        self._is_whole = False
        self.has_answered = False

    def start(self) -> None:
        self._is_turn = True
        self._answer()

    def request_body(self, data: bytes) -> None:
        """No local route takes a body."""

    def request_complete(self) -> None:
        self._is_whole = True
        self._answer()

    def client_lost(self) -> None:
        self._is_turn = False

    def client_paused(self) -> None:
        """One small answer needs no backpressure."""

    def client_resumed(self) -> None:
        """One small answer needs no backpressure."""

    def _answer(self) -> None:
        if not (self._is_turn and self._is_whole) or self.has_answered:
            return
        self.has_answered = True
        status, body = self._route()
        self._client.write(
            write_response(
                status,
                body,
                close=self._client.ends_after_response,
                is_head=self.head.method == b"HEAD",
            )
        )
        self._client.exchange_done(self, must_close=False)

    def _route(self) -> tuple[int, bytes]:
        name = self.head.path[len(PREFIX) :]
        if self.head.method not in (b"GET", b"HEAD"):
            return 405, error_body(
                "The sidecar's own routes are read only.", "method_not_allowed", "Use GET."
            )
        if name == b"healthz":
            return 200, b'{"status": "ok"}'
        if name == b"state":
            return 200, json.dumps(self._state()).encode()
        return 404, error_body(
            "The sidecar has no such route.",
            "not_found",
            "Use /_tachograph/healthz or /_tachograph/state.",
        )
