"""A sidecar in a thread of this process, engines made of plain sockets, and a real llama.cpp."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from tachograph._internal.delivery import Counts, MetricPoint
from tachograph._internal.gpu.source import GpuSource
from tachograph_sidecar.service import Outlet, Sidecar
from tachograph_sidecar.settings import read_settings

HERE = Path(__file__).parent
DEADLINE_S = 120.0


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Return when it is so; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"within {DEADLINE_S:g} s it did not happen that {what}")
        time.sleep(0.005)


class KeepingOutlet:
    """Keeps what a sidecar submits, in place of a collector."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.points: list[MetricPoint] = []
        self.left_out: list[str] = []
        self.resource = Resource({"service.name": "sidecar under test"})

    def submit_span(self, span: ReadableSpan) -> bool:
        self.spans.append(span)
        return True

    def leave_out_span(self, reason: str) -> None:
        self.left_out.append(reason)

    def submit_metrics(self, points: Sequence[MetricPoint]) -> bool:
        self.points.extend(points)
        return True

    def counts(self) -> Counts:
        return Counts(submitted={}, delivered={}, waiting={}, dropped={})

    def shutdown(self, timeout_s: float) -> bool:
        return True

    def wait_for_spans(self, count: int) -> list[ReadableSpan]:
        wait_until(lambda: len(self.spans) >= count, f"{count} spans were submitted")
        return self.spans

    def the_span(self) -> ReadableSpan:
        """The one span, once it is there."""
        return self.wait_for_spans(1)[0]


class RunningSidecar:
    """A sidecar on a uvloop of its own thread."""

    def __init__(self, options: dict[str, str], outlet: Outlet, gpus: GpuSource | None) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.settings = read_settings({"port": "0", "drain_s": "2", **options}, {})
        self._is_stopped = False

        async def start() -> tuple[Sidecar, int]:
            sidecar = Sidecar(self.settings, outlet=outlet, gpus=gpus)
            addresses = await sidecar.start()
            return sidecar, addresses[0][1]

        self.sidecar, self.port = asyncio.run_coroutine_threadsafe(start(), self._loop).result(
            DEADLINE_S
        )

    def call(self, function: Callable[[], None]) -> None:
        """Run it on the sidecar's event loop."""

        async def run() -> None:
            function()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(DEADLINE_S)

    def stop(self) -> bool:
        """Stop as on SIGTERM; False when something was cut off."""
        return self.stop_soon().result(DEADLINE_S)

    def stop_soon(self) -> "Future[bool]":
        self._is_stopped = True
        return asyncio.run_coroutine_threadsafe(self.sidecar.stop(), self._loop)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        if not self._is_stopped:
            self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()


@dataclass
class EngineConnection:
    """One connection that a scripted engine accepted."""

    socket: socket.socket
    requests: list[tuple[bytes, bytes]]
    _rest: bytes = b""

    def read_head(self) -> bytes | None:
        """The next request head, None when the client closed."""
        while b"\r\n\r\n" not in self._rest:
            data = self.socket.recv(65536)
            if not data:
                return None
            self._rest += data
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head + b"\r\n"

    def read_exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the request ended early")
            self._rest += data
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.read_exactly(1)
        return line[:-2]

    def read_request(self) -> tuple[bytes, bytes] | None:
        """The next whole request as (head, body), None when the client closed."""
        head = self.read_head()
        if head is None:
            return None
        fields = head.lower()
        body = b""
        if b"transfer-encoding: chunked" in fields:
            while size := int(self.read_line(), 16):
                body += self.read_exactly(size)
                self.read_exactly(2)
            self.read_exactly(2)
        elif b"content-length: " in fields:
            length = fields.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = self.read_exactly(int(length))
        self.requests.append((head, body))
        return head, body

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bytes, content_type: bytes = b"application/json") -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
            % (content_type, len(body), body)
        )

    def send_chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def start_stream(self, content_type: bytes = b"text/event-stream") -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
            % content_type
        )

    def is_closed_by_peer(self) -> bool:
        """Blocks until the peer closes or sends; True for a close or reset."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True


Script = Callable[[EngineConnection], None]


@dataclass
class ScriptedEngine:
    """A TCP server that does on each connection what its script says. `/metrics` and the routes by
    which engines are recognised are not special: the watch's requests are answered by the script,
    so the list of requests leaves out those it makes."""

    script: Script
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0
    problems: list[BaseException] = field(default_factory=list)
    at_port: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.at_port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(DEADLINE_S)
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            first = connection.recv(4, socket.MSG_PEEK)
            if first == b"GET " and b"user-agent" not in _peek(connection):
                with suppress(OSError):  # the engine watch: this engine publishes nothing
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                connection.close()
                continue
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self.script(EngineConnection(connection, self.requests))
        except (OSError, ConnectionError):
            pass  # the sidecar closed, which some tests are about
        except BaseException as problem:  # noqa: BLE001 - shown by the fixture, in the test's thread
            self.problems.append(problem)
        finally:
            connection.close()


def _peek(connection: socket.socket) -> bytes:
    return connection.recv(2048, socket.MSG_PEEK).lower()


class Client:
    """A raw HTTP client: what it sends and receives is under the test's control."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self._rest = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        while end not in self._rest:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed before {end!r}; got {self._rest!r}")
            self._rest += data
        before, _, self._rest = self._rest.partition(end)
        return before + end

    def read_exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed {size - len(self._rest)} bytes early")
            self._rest += data
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def read_to_end(self) -> bytes:
        """Everything until the server closes."""
        parts = [self._rest]
        self._rest = b""
        while data := self.socket.recv(65536):
            parts.append(data)
        return b"".join(parts)

    def read_chunked(self) -> bytes:
        """A whole chunked body, last chunk included."""
        body = b""
        while size := int(self.read_until(b"\r\n"), 16):
            body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"
        assert self.read_exactly(2) == b"\r\n"
        return body

    def close(self) -> None:
        self.socket.close()


@dataclass
class Kit:
    """Starts sidecars, engines and clients, and stops them after the test."""

    _closers: list[Callable[[], None]] = field(default_factory=list)

    def engine(self, script: Script, at_port: int = 0) -> ScriptedEngine:
        engine = ScriptedEngine(script, at_port=at_port)
        self._closers.append(engine.close)

        def raise_problems() -> None:
            if engine.problems:
                raise engine.problems[0]

        self._closers.insert(0, raise_problems)
        return engine

    def sidecar(
        self,
        upstream: str,
        outlet: Outlet | None = None,
        gpus: GpuSource | None = None,
        **options: str,
    ) -> RunningSidecar:
        given = {"upstream": upstream, "gpu": "off" if gpus is None else "on", **options}
        running = RunningSidecar(given, outlet or KeepingOutlet(), gpus)
        self._closers.append(running.close)
        return running

    @staticmethod
    def wait_until(is_so: Callable[[], bool], what: str) -> None:
        """Return when it is so; fail after the deadline."""
        wait_until(is_so, what)

    def client(self, port: int) -> Client:
        client = Client(port)
        self._closers.append(client.close)
        return client

    def close(self) -> None:
        while self._closers:
            self._closers.pop()()


@pytest.fixture
def kit() -> Iterator[Kit]:
    """Everything that a test of the proxy is made of."""
    kit = Kit()
    yield kit
    kit.close()


@pytest.fixture
def outlet() -> KeepingOutlet:
    """Where a sidecar under test puts its telemetry."""
    return KeepingOutlet()


@pytest.fixture(scope="session")
def llama_url() -> Iterator[str]:
    """A real llama.cpp server with a small model."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "llama_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(timeout=120)
        process.stdout.close()
