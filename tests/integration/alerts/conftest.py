"""A real HTTP(S) receiver of webhooks, in this process, that checks what it gets."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue

import pytest

from tachograph_evaluators.alerts.signature import verify

SECRET = "whsec_" + "dGFjaG9ncmFwaC1hbGVydHMtdGVzdC1zZWNyZXQ="
WAIT_S = 120


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_genuine(self) -> bool:
        return verify(SECRET, self.headers, self.body)


@dataclass
class Receiver:
    """Answers as `answers` says, in turn, then 200.

    `go_on` holds answers back while cleared; with `drips` they never end.
    """

    url: str
    port: int
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    received: "Queue[Received]" = field(default_factory=Queue)
    go_on: threading.Event = field(default_factory=threading.Event)
    drips: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Received:
        """The next request; fails when none comes."""
        try:
            return self.received.get(timeout=WAIT_S)
        except Empty:
            raise AssertionError(f"{self.url} received nothing within {WAIT_S} s") from None

    @property
    def is_quiet(self) -> bool:
        return self.received.empty()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.put(Received(self.command, self.path, headers, body))
            receiver.go_on.wait(WAIT_S)
            status, extra, answer = (
                receiver.answers.pop(0) if receiver.answers else (200, {}, b"ok")
            )
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)
            while receiver.drips and not receiver.over.wait(0.05):
                self.wfile.write(b".")

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what some tests are about."""


@contextmanager
def _serving(tls: Path | None = None) -> Iterator[Receiver]:
    receiver = Receiver("", 0)
    receiver.go_on.set()
    with _Server(("127.0.0.1", 0), _handler(receiver)) as server:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_port
        scheme = "http" if tls is None else "https"
        receiver.url = f"{scheme}://localhost:{receiver.port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            receiver.go_on.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback that verifies what it gets."""
    with _serving() as receiver:
        yield receiver


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[Receiver]]:
    """Starts further receivers; `tls` names a PEM file with key and certificate."""
    return _serving


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the receivers' secret."""
    path = tmp_path / "hook.secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path
