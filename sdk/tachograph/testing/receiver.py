"""An OTLP/HTTP receiver for tests: keeps what arrives, misbehaves on request."""

import gzip
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeVar

from tachograph.testing.otlp import (
    ReceivedEvent,
    ReceivedPoint,
    ReceivedSpan,
    decode_events,
    decode_points,
    decode_spans,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """How the receiver misbehaves on a request instead of taking it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    """Never answer; the connection stays open."""
    closes: bool = False
    """Close the connection without an answer."""
    garbage: bytes = b""
    """Answer these bytes instead of HTTP."""
    is_taken: bool = False
    """Keep what the request carries all the same (for answers of partial success)."""


class Receiver:
    """Collects spans, metric points and log events on a loopback port.

    `faults` is a queue of misbehaviours, one a request; `fault` holds for every request while
    set. `stop` breaks all connections as a killed process would; `start` comes back on the same
    port.
    """

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.points: list[ReceivedPoint] = []
        self.events: list[ReceivedEvent] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Path and headers (lower-case names) of every request, faulty ones included."""
        self.faults: deque[Fault] = deque()
        self.fault: Fault | None = None
        self._arrived = threading.Condition()
        self._released = threading.Event()
        self._connections: set[socket.socket] = set()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def endpoint(self) -> str:
        """Base URL for `init(endpoint=…)`."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen; on the port of before, where there was one."""
        self._released.clear()
        receiver = self

        class Handler(_Handler):
            owner = receiver

        server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        server.daemon_threads = True
        self._server, self._port = server, server.server_port
        threading.Thread(
            target=server.serve_forever, args=(0.02,), name="otlp-receiver", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening and break every connection."""
        server, self._server = self._server, None
        if server is None:
            return
        self._released.set()
        server.shutdown()
        server.server_close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_for_spans(self, count: int, timeout_s: float = 10.0) -> list[ReceivedSpan]:
        """The spans received, once there are `count`; raises TimeoutError otherwise."""
        return self._wait(lambda: self.spans, count, timeout_s)

    def wait_for_points(self, count: int, timeout_s: float = 10.0) -> list[ReceivedPoint]:
        """The metric points received, once there are `count`."""
        return self._wait(lambda: self.points, count, timeout_s)

    def wait_for_events(self, count: int, timeout_s: float = 10.0) -> list[ReceivedEvent]:
        """The log events received, once there are `count`."""
        return self._wait(lambda: self.events, count, timeout_s)

    def wait_for_requests(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until `count` requests have come, whatever became of them."""
        self._wait(lambda: self.requests, count, timeout_s)

    def _wait(self, of: Callable[[], Sequence[T]], count: int, timeout_s: float) -> list[T]:
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(of()) >= count, timeout_s):
                raise TimeoutError(f"{len(of())} of {count} arrived within {timeout_s} s")
            return list(of())

    def _take(self, path: str, body: bytes) -> None:
        with self._arrived:
            if path.endswith("/v1/traces"):
                self.spans += decode_spans(body)
            elif path.endswith("/v1/metrics"):
                self.points += decode_points(body)
            elif path.endswith("/v1/logs"):
                self.events += decode_events(body)
            self._arrived.notify_all()

    def _next_fault(self, path: str, headers: dict[str, str]) -> Fault | None:
        with self._arrived:
            self.requests.append((path, headers))
            self._arrived.notify_all()
            return self.faults.popleft() if self.faults else self.fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Receiver

    def setup(self) -> None:
        super().setup()
        self.owner._connections.add(self.connection)

    def finish(self) -> None:
        self.owner._connections.discard(self.connection)
        try:
            super().finish()
        except OSError:  # the client or `stop` has gone first
            pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            pass

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        fault = self.owner._next_fault(self.path, headers)
        if fault is None or fault.is_taken:
            self.owner._take(self.path, body)
        fault = fault or Fault()
        if fault.hangs:
            self.owner._released.wait(60)
        if fault.hangs or fault.closes or fault.garbage:
            self.wfile.write(fault.garbage)
            self.close_connection = True
            return
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(fault.body)))
        self.end_headers()
        self.wfile.write(fault.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: tests have their own output."""
