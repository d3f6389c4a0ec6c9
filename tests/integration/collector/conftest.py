"""A real collector in a process of its own, keys of its projects, and OTLP bodies to send."""

import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tachograph_store.client import Store
from tachograph_store.keys import hash_of
from tachograph_store.rows import ApiKeyRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

_READY_DEADLINE_S = 180.0
_END_DEADLINE_S = 120.0
PROTOBUF = {"content-type": "application/x-protobuf"}


def start_collector(home: Path, **environment: str) -> "tuple[subprocess.Popen[str], str]":
    """A collector process and its address; it listens, whether its store is there or not."""
    with (home / "collector.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tachograph_collector.command", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "TACHOGRAPH_HOME": str(home), **environment},
        )
    assert process.stdout is not None
    line = _first_line(process.stdout)
    match = re.search(r"http://\S+", line)
    assert match, f"the collector said {line!r}, see {home}/collector.log"
    wait_for(lambda: _answers(match[0]), "the collector's /livez")
    return process, match[0]


def _first_line(stream: IO[str]) -> str:
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(_READY_DEADLINE_S)
    return lines[0] if lines else ""


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def wait_for(condition: Callable[[], bool], what: str, deadline_s: float = 180.0) -> None:
    """Poll until the condition holds; fail at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {deadline_s:g} s"
        time.sleep(0.05)


def waiting(client: httpx.Client) -> int:
    """How many acknowledged records a collector has not stored yet."""
    return int(client.get("/healthz").json()["journal"]["waiting_records"])


def stop(process: "subprocess.Popen[str]") -> int:
    """SIGTERM, and the exit status."""
    process.terminate()
    status = process.wait(timeout=_END_DEADLINE_S)
    if process.stdout is not None:
        process.stdout.close()
    return status


@pytest.fixture(scope="session")
def collector_url(store_server: StoreSettings) -> Iterator[str]:
    """A collector on the shared store."""
    process, url = start_collector(store_server.directory.parent)
    yield url
    assert stop(process) == 0


@pytest.fixture
def collector_with(store_server: StoreSettings) -> Iterator[Callable[..., str]]:
    """Starts collectors with settings of their own; gives the address of each."""
    processes: list[subprocess.Popen[str]] = []

    def start(**environment: str) -> str:
        process, url = start_collector(store_server.directory.parent, **environment)
        processes.append(process)
        return url

    yield start
    assert [stop(process) for process in processes] == [0] * len(processes)


MakeKey = Callable[..., str]


@pytest.fixture
def make_key(writer_store: Store) -> MakeKey:
    """Makes an API key and returns its secret."""

    def make(
        project: str,
        role: str = "read",
        expires_at: datetime | None = None,
        revoked_at: datetime | None = None,
    ) -> str:
        key = f"tg_{secrets.token_urlsafe(24)}"
        row = ApiKeyRow(
            project=project,
            key_id=secrets.token_hex(8),
            key_hash=hash_of(key),
            name="test",
            role=role,
            created_at=datetime.now(UTC),
            expires_at=expires_at,
            revoked_at=revoked_at,
        )
        Writer(writer_store).write("api_keys", [row])
        return key

    return make


@dataclass(frozen=True)
class Api:
    """The collector seen by one caller."""

    client: httpx.Client

    def export(self, *spans: Span, service: str = "shop") -> ExportTraceServiceResponse:
        """Send spans; they must be taken, and are stored. The answer says which were rejected."""
        answer = self.post_traces(trace_body(*spans, service=service))
        assert answer.status_code == 200, answer.text
        self.settle()
        return ExportTraceServiceResponse.FromString(answer.content)

    def settle(self) -> None:
        """Return when all that was acknowledged is in the store."""
        wait_for(lambda: waiting(self.client) == 0, "an empty journal")

    def post_traces(self, body: bytes, **headers: str) -> httpx.Response:
        """Send any bytes as a trace export."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/v1/traces", content=body, headers={**PROTOBUF, **named})


@pytest.fixture
def api_for(collector_url: str) -> Iterator[Callable[[str | None], Api]]:
    """The collector seen with a key, or without."""
    clients: list[httpx.Client] = []

    def make(key: str | None) -> Api:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        client = httpx.Client(base_url=collector_url, headers=headers, timeout=60)
        clients.append(client)
        return Api(client)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def api(project: str, make_key: MakeKey, api_for: Callable[[str | None], Api]) -> Api:
    """The collector seen with a read key of the test's own project."""
    return api_for(make_key(project))


def make_span(attributes: Mapping[str, str | int | float] | None = None, **fields: object) -> Span:
    """A span of the last second with ids of its own."""
    now = time.time_ns()
    values = {
        "trace_id": secrets.token_bytes(16),
        "span_id": secrets.token_bytes(8),
        "name": "chat m",
        "start_time_unix_nano": now - 1_000_000_000,
        "end_time_unix_nano": now,
        **fields,
    }
    span = Span(**values)  # type: ignore[arg-type]
    for key, value in (attributes or {}).items():
        span.attributes.append(KeyValue(key=key, value=_any_value(value)))
    return span


def _any_value(value: str | float) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value)


def chat_span(**fields: object) -> Span:
    """A counted model call with tokens and content."""
    return make_span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.input.messages": '[{"role":"user","parts":[]}]',
            "tachograph.tenant": "acme",
        },
        **fields,
    )


def trace_request(*spans: Span, service: str = "shop") -> ExportTraceServiceRequest:
    """An export request of one resource."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(
        KeyValue(key="service.name", value=AnyValue(string_value=service))
    )
    resource_spans.scope_spans.add().spans.extend(spans)
    return request


def trace_body(*spans: Span, service: str = "shop") -> bytes:
    """Its bytes."""
    return trace_request(*spans, service=service).SerializeToString()


class Harness:
    """The builders above, for tests, which cannot import their conftest."""

    chat_span = staticmethod(chat_span)
    make_span = staticmethod(make_span)
    trace_body = staticmethod(trace_body)
    trace_request = staticmethod(trace_request)
    start_collector = staticmethod(start_collector)
    stop = staticmethod(stop)
    waiting = staticmethod(waiting)
    wait_for = staticmethod(wait_for)


@pytest.fixture(scope="session")
def harness() -> type[Harness]:
    """Builders of OTLP bodies, and how to start processes."""
    return Harness
