"""A proxy between a package and the collector that keeps the bodies which pass through it."""

import gzip
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

REQUESTS: Final[dict[str, type[Message]]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
_ANSWERS: Final[dict[str, type[Message]]] = {
    "traces": ExportTraceServiceResponse,
    "metrics": ExportMetricsServiceResponse,
    "logs": ExportLogsServiceResponse,
}
_HEADERS: Final = ("content-type", "content-encoding")
_MACHINE: Final = ("host.", "process.", "os.", "container.", "k8s.")
_SCRUBBED: Final = (
    (re.compile(r'(?:/[^\s"\']+)?/(?:site-packages|python3\.\d+)/'), "/python/"),
    (re.compile(r'/[^\s"\']+/(?=(?:drive_\w+|calls|exports)\.py)'), "/drivers/"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8000"),
)


@dataclass
class Recorder:
    """What passed through."""

    url: str = ""
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    """Signal and body, in the order of their arrival."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Signal and what the collector said of records that it did not take."""
    failures: list[str] = field(default_factory=list)
    """Answers other than 200."""


@contextmanager
def recorder(collector_url: str) -> Iterator[Recorder]:
    """Run one on a loopback port."""
    state = Recorder()

    class Handler(_Handler):
        recorder = state
        target = collector_url

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder
    target: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name: self.headers[name] for name in _HEADERS if name in self.headers}
        answer = httpx.post(f"{self.target}{self.path}", content=body, headers=headers, timeout=60)
        signal = self.path.rsplit("/", 1)[1]
        if answer.status_code != 200 or signal not in REQUESTS:
            self.recorder.failures.append(f"{self.path}: {answer.status_code} {answer.text[:200]}")
        else:
            plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            self.recorder.bodies.append((signal, plain))
            partial = _parsed(_ANSWERS[signal], answer.content).partial_success
            if partial.error_message:
                self.recorder.refused.append((signal, partial.error_message))
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers.get("content-type", "text/plain"))
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _parsed(kind: type[Message], content: bytes) -> Any:
    message = kind()
    message.ParseFromString(content)
    return message


def scrubbed(signal: str, body: bytes) -> bytes:
    """The body without paths, ports and names of the machine that it was recorded on."""
    request = _parsed(REQUESTS[signal], body)
    _scrub(request)
    return bytes(request.SerializeToString(deterministic=True))


def _scrub(message: Any) -> None:
    if isinstance(message, Resource):
        kept = [item for item in message.attributes if not item.key.startswith(_MACHINE)]
        del message.attributes[:]
        message.attributes.extend(kept)
    if message.DESCRIPTOR.name == "KeyValue" and message.key == "server.port":
        message.value.int_value = 8000
    for descriptor, value in message.ListFields():
        if descriptor.type == descriptor.TYPE_MESSAGE:
            for item in value if descriptor.is_repeated else [value]:
                _scrub(item)
        elif descriptor.type == descriptor.TYPE_STRING:
            if descriptor.is_repeated:
                value[:] = [_scrubbed_text(text) for text in value]
            else:
                setattr(message, descriptor.name, _scrubbed_text(value))


def _scrubbed_text(text: str) -> str:
    for pattern, replacement in _SCRUBBED:
        text = pattern.sub(replacement, text)
    return text
