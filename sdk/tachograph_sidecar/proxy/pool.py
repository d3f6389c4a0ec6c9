"""The connections to the engine: kept alive, bounded, handed out one exchange at a time."""

import asyncio
import ssl
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from tachograph_sidecar.proxy.upstream import UpstreamConnection

CONNECT_TIMEOUT_S = 10.0
IDLE_LIMIT_S = 3.0
"""Below the 5 s after which common engine servers close an idle connection: a request must not
meet a connection that is being closed."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the engine listens."""

    scheme: str
    host: str
    port: int
    prefix: str  # path put before every request's path, '' for none

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"


def parse_upstream(url: str) -> Upstream:
    """Read one engine's base URL.

    Raises ValueError, naming the remedy, for anything but `http(s)://host[:port][/prefix]`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"upstream {url!r} is not a URL: write it as http://host:port, for example "
            "http://127.0.0.1:8080"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            f"upstream for {parts.hostname} carries credentials, a query or a fragment: give only "
            "scheme, host, port and path"
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Upstream(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def parse_upstreams(urls: str) -> tuple[Upstream, ...]:
    """Read base URLs separated by commas. Raises ValueError as `parse_upstream` does."""
    found = tuple(parse_upstream(url.strip()) for url in urls.split(",") if url.strip())
    if not found:
        raise ValueError("names no engine: write http://host:port, several separated by commas")
    if len({upstream.url for upstream in found}) < len(found):
        raise ValueError("names one engine twice: name each once")
    return found


class Waiter(Protocol):
    """An exchange that waits for a connection."""

    def upstream_ready(self, connection: UpstreamConnection) -> None: ...

    def upstream_failed(self, problem: str) -> None: ...


class UpstreamPool:
    """At most `max_connections` connections; whoever finds none free waits in order of arrival.

    The queue is bounded by the number of client connections, each of which has one exchange.
    """

    def __init__(self, upstream: Upstream, max_connections: int) -> None:
        self.upstream = upstream
        self._max = max_connections
        self._connecting = 0
        self._open: set[UpstreamConnection] = set()
        self._idle: list[UpstreamConnection] = []  # last in, first out: the freshest first
        self._waiting: deque[Waiter] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ssl = ssl.create_default_context() if upstream.scheme == "https" else None
        self._is_closed = False
        self.is_down = False
        """Whether the engine did not answer when last looked at; others are preferred then."""

    @property
    def load(self) -> int:
        """Requests in flight to this engine, those that wait for a connection included."""
        busy = len(self._open) - len(self._idle)
        return self._connecting + busy + len(self._waiting)

    @property
    def open_count(self) -> int:
        return len(self._open)

    @property
    def _has_room(self) -> bool:
        return self._connecting + len(self._open) < self._max

    def acquire(self, waiter: Waiter, *, fresh: bool = False) -> None:
        """Give `waiter` a connection now or later, by `upstream_ready` or `upstream_failed`."""
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.is_usable and time.monotonic() - connection.idle_since < IDLE_LIMIT_S:
                waiter.upstream_ready(connection)
                return
            connection.abort()
        if self._has_room:
            self._connect(waiter)
        else:
            self._waiting.append(waiter)

    def forget(self, waiter: Waiter) -> None:
        """The waiter went away before its turn."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def give_back(self, connection: UpstreamConnection) -> None:
        """A connection whose exchange is over and that may serve another."""
        connection.release()
        if self._is_closed or not connection.is_usable:
            connection.abort()
        elif self._waiting:
            self._waiting.popleft().upstream_ready(connection)
        else:
            self._idle.append(connection)

    def connection_opened(self, connection: UpstreamConnection) -> None:
        self._open.add(connection)

    def connection_closed(self, connection: UpstreamConnection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._serve_next()

    def sweep(self) -> None:
        """Close connections that have been idle too long."""
        now = time.monotonic()
        for connection in [c for c in self._idle if now - c.idle_since >= IDLE_LIMIT_S]:
            connection.abort()

    async def close(self) -> None:
        self._is_closed = True
        for connection in list(self._idle):
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connect(self, waiter: Waiter) -> None:
        self._connecting += 1
        task = asyncio.get_running_loop().create_task(self._open_connection(waiter))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_connection(self, waiter: Waiter) -> None:
        loop = asyncio.get_running_loop()
        problem: str | None = None
        connection: UpstreamConnection | None = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self),
                    self.upstream.host,
                    self.upstream.port,
                    ssl=self._ssl,
                )
        except TimeoutError:
            problem = f"no connection within {CONNECT_TIMEOUT_S:g} s"
        except OSError as error:
            problem = error.strerror or str(error)
        finally:
            self._connecting -= 1
        if connection is not None:
            self.is_down = False
            waiter.upstream_ready(connection)
        else:
            self.is_down = True  # until the next look finds it up
            waiter.upstream_failed(problem or "no connection")
            self._serve_next()

    def _serve_next(self) -> None:
        if self._waiting and self._has_room and not self._is_closed:
            self._connect(self._waiting.popleft())
