"""The command as people run it: addresses, wrong settings, draining on SIGTERM."""

import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, Kit

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'


@dataclass
class Collector:
    """A real OTLP receiver that keeps spans."""

    url: str
    spans: list[str] = field(default_factory=list)


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
            if self.path == "/v1/traces":
                request = ExportTraceServiceRequest.FromString(body)
                for resource_spans in request.resource_spans:
                    for scope_spans in resource_spans.scope_spans:
                        kept.spans.extend(span.name for span in scope_spans.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def _refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=120).close()
    except ConnectionRefusedError:
        return True
    return False


def _start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tachograph_sidecar.command", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TACHOGRAPH_API_KEY": "tg_secret-key"},
    )


def test_sigterm_lets_streams_end_and_telemetry_leave(kit: "Kit", collector: Collector) -> None:
    may_end = threading.Event()

    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        connection.send_chunk(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
        assert may_end.wait(120)
        connection.send_chunk(b"data: [DONE]\n\n")
        connection.send(b"0\r\n\r\n")

    engine = kit.engine(script)
    with _start("--upstream", engine.url, "--endpoint", collector.url) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line.startswith("sidecar listening on http://127.0.0.1:") and engine.url in line
        assert "secret" not in line
        port = int(line.partition("http://127.0.0.1:")[2].split()[0])
        client = kit.client(port)
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(CHAT))
        client.send(CHAT)
        client.read_until(b"\n\n")
        process.send_signal(signal.SIGTERM)
        assert "waiting for 1 answers" in process.stdout.readline()
        kit.wait_until(lambda: _refuses(port), "it stopped listening")
        may_end.set()
        assert client.read_to_end().endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert process.wait(120) == 0
        assert "secret" not in process.stderr.read()
    assert collector.spans == ["chat m"]


def test_a_taken_port_is_said_in_one_line(kit: "Kit") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _start("--port", str(port)) as process:
            out, err = process.communicate(timeout=180)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in err and "--port" in err
    assert out == ""
