"""The listening side: accepts clients, opens exchanges, drains on shutdown."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tachograph.semconv import headers
from tachograph_detectors.redact import Redactor
from tachograph_sidecar.observe.recorder import Recorder
from tachograph_sidecar.proxy.admission import Admission
from tachograph_sidecar.proxy.balancer import Balancer
from tachograph_sidecar.proxy.client import ClientConnection, ClientExchange
from tachograph_sidecar.proxy.exchange import Exchange
from tachograph_sidecar.proxy.head import RequestHead
from tachograph_sidecar.proxy.local import PREFIX, LocalExchange

IDLE_CLIENT_S = 75.0
"""A client connection without a request for so long is closed."""

_REQUEST_ID = headers.REQUEST_ID.encode()
_NUMBERS = b"/metrics"  # a page that says nothing of anybody, and would be torn apart
_PLAIN_ID = re.compile(rb"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Bounds of the proxy."""

    max_clients: int = 4096
    hold_limit_bytes: int = 1024 * 1024
    """A request body up to this size may be held to add `include_usage`."""
    redactor: Redactor | None = None
    """What is replaced in answers; None leaves their bytes alone."""


class ProxyServer:
    """Owns the listening socket and the client connections.

    Args:
        balancer: the engines and their connections.
        recorder: told of every model request.
        asks_for_usage: whether the engine's streams may be asked for usage, read per request.
        state: what `/_tachograph/state` shows.
        options: bounds.
    """

    def __init__(
        self,
        balancer: Balancer,
        recorder: Recorder,
        asks_for_usage: Callable[[], bool],
        state: Callable[[], Mapping[str, object]],
        options: ProxyOptions | None = None,
    ) -> None:
        self._balancer = balancer
        self._recorder = recorder
        self._asks_for_usage = asks_for_usage
        self._state = state
        self._options = options or ProxyOptions()
        self.admission: Admission | None = None
        """The gate for model requests; None: all go at once."""
        self._clients: set[ClientConnection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self.is_draining = False
        self.requests = 0

    async def start(self, host: str, port: int) -> list[tuple[str, int]]:
        """Listen; returns the addresses. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ClientConnection(self), host, port, backlog=1024
        )
        self._sweeper = loop.create_task(self._sweep())
        return [socket.getsockname()[:2] for socket in self._server.sockets]

    async def drain(self, timeout_s: float) -> bool:
        """Take no new connection, let answers under way end; False when some were cut off."""
        self.is_draining = True
        if self._server is not None:
            self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for client in list(self._clients):
            client.close_idle()
        if not self._clients:
            self._empty.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            pass
        was_complete = not self._clients
        for client in list(self._clients):
            client.abort()
        await self._balancer.close()
        return was_complete

    @property
    def client_count(self) -> int:
        return len(self._clients)

    # --- ConnectionOwner

    def client_connected(self, client: ClientConnection) -> None:
        self._clients.add(client)
        if len(self._clients) > self._options.max_clients or self.is_draining:
            client.abort()

    def client_disconnected(self, client: ClientConnection) -> None:
        self._clients.discard(client)
        if self.is_draining and not self._clients:
            self._empty.set()

    def begin_exchange(self, client: ClientConnection, head: RequestHead) -> ClientExchange:
        if head.path.startswith(PREFIX):
            return LocalExchange(client, head, self._state)
        self.requests += 1
        request_id = head.get(_REQUEST_ID)
        if request_id is None or not _PLAIN_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16).encode()
        observation = self._recorder.begin(head, request_id.decode())
        may_ask = (
            observation is not None
            and observation.can_carry_usage
            and not head.is_http_10
            and (head.framing.length or 0) <= self._options.hold_limit_bytes
            and self._asks_for_usage()
        )
        hold_limit = self._options.hold_limit_bytes if may_ask else 0
        redactor = None if head.path.endswith(_NUMBERS) else self._options.redactor
        return Exchange(
            client,
            self._balancer,
            head,
            request_id,
            observation,
            hold_limit,
            self.admission,
            redactor,
        )

    # ---

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._balancer.sweep()
            if self.admission is not None:
                self.admission.sweep()
            oldest = time.monotonic() - IDLE_CLIENT_S
            for client in list(self._clients):
                if client.is_idle and client.idle_since < oldest:
                    client.close_idle()
