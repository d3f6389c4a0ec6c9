"""A collector's door in a process of its own: keeps what arrives, counts it when asked.

Bodies are decoded only on `GET /count`, after a phase: while spans arrive, this process must not
take the processor from the one that is measured. It prints its port.

    POST /mode/<ok|hang|500|429|garbage>    how it answers from now on
    POST /reset                             forget what arrived
    GET  /count                             {"spans": ..., "distinct": ..., "requests": ..., "bytes": ...}
"""

import gzip
import json
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_HANGS_S: Final = 3600.0


class State:
    """What arrived since the last reset, and how to answer."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.bodies: list[tuple[str, bytes]] = []
        self.lock = threading.Lock()
        self.released = threading.Event()


STATE = State()


class Handler(BaseHTTPRequestHandler):
    """OTLP on any path that ends in `traces`; 200 for everything else."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self._body()
        if self.path.startswith("/mode/"):
            STATE.mode = self.path.removeprefix("/mode/")
            self._answer(200)
        elif self.path == "/reset":
            with STATE.lock:
                STATE.bodies.clear()
            self._answer(200)
        elif STATE.mode == "ok":
            if self.path.endswith("traces"):
                with STATE.lock:
                    STATE.bodies.append((self.headers.get("Content-Encoding", ""), body))
            self._answer(200)
        elif STATE.mode == "hang":
            STATE.released.wait(_HANGS_S)
        elif STATE.mode == "garbage":
            self.wfile.write(b"\x00\xff\x16\x03 this is not HTTP\r\n\r\n")
            self.close_connection = True
        else:
            self._answer(int(STATE.mode))

    def do_GET(self) -> None:
        with STATE.lock:
            bodies = list(STATE.bodies)
        self._answer(200, json.dumps(counted(bodies)).encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the benchmark has its own output."""


def counted(bodies: list[tuple[str, bytes]]) -> dict[str, int]:
    """Spans, distinct spans, requests and bytes on the wire."""
    spans = 0
    distinct: set[bytes] = set()
    for encoding, body in bodies:
        if encoding == "gzip":
            body = gzip.decompress(body)
        elif encoding == "deflate":
            body = zlib.decompress(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for of_scope in of_resource.scope_spans:
                spans += len(of_scope.spans)
                distinct.update(span.trace_id + span.span_id for span in of_scope.spans)
    size = sum(len(body) for _, body in bodies)
    return {"spans": spans, "distinct": len(distinct), "requests": len(bodies), "bytes": size}


class Server(ThreadingHTTPServer):
    """Quiet about peers that go away in the middle of a request."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A measured process may end at any time."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
