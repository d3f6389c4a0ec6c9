"""However telemetry fails, requests pass."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from tachograph._internal.delivery import Counts, Delivery, MetricPoint
from tachograph_sidecar.observe import deferred, recorder

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
ANSWER = b'{"model": "m", "choices": []}'


def _answer_all(connection: "EngineConnection") -> None:
    while connection.read_request() is not None:
        connection.answer(ANSWER)


def _ask_often(kit: "Kit", port: int) -> None:
    client = kit.client(port)
    for _ in range(20):
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(CHAT))
        client.send(CHAT)
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
        assert client.read_exactly(len(ANSWER)) == ANSWER


class FailingOutlet:
    """Fails at everything."""

    resource = Resource({})

    def submit_span(self, span: ReadableSpan) -> bool:
        raise RuntimeError("no spans")

    def leave_out_span(self, reason: str) -> None:
        raise RuntimeError("no counting")

    def submit_metrics(self, points: Sequence[MetricPoint]) -> bool:
        raise RuntimeError("no metrics")

    def counts(self) -> Counts:
        return Counts(submitted={}, delivered={}, waiting={}, dropped={})

    def shutdown(self, timeout_s: float) -> bool:
        return False


@contextmanager
def _collector(kind: str) -> Iterator[str]:
    """An address where no collector is, or one that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if kind == "absent":
            listener.close()
        yield f"http://127.0.0.1:{listener.getsockname()[1] if kind == 'hanging' else 9}"


@pytest.mark.parametrize("kind", ["absent", "hanging"])
def test_a_collector_that_is_absent_or_hangs(kit: "Kit", kind: str) -> None:
    with _collector(kind) as endpoint:
        delivery = Delivery(endpoint=endpoint, resource=Resource({}))
        sidecar = kit.sidecar(kit.engine(_answer_all).url, delivery)
        _ask_often(kit, sidecar.port)
        client = kit.client(sidecar.port)
        client.send(b"GET /_tachograph/state HTTP/1.1\r\nConnection: close\r\n\r\n")
        state = json.loads(client.read_to_end().partition(b"\r\n\r\n")[2])
        assert state["telemetry"]["delivered"]["spans"] == 0
        started = time.monotonic()
        sidecar.close()
        assert time.monotonic() - started < 60  # flushing has a deadline


def test_an_outlet_that_raises(kit: "Kit", caplog: pytest.LogCaptureFixture) -> None:
    sidecar = kit.sidecar(kit.engine(_answer_all).url, FailingOutlet())
    _ask_often(kit, sidecar.port)

    def failures() -> int:
        client = kit.client(sidecar.port)
        client.send(b"GET /_tachograph/state HTTP/1.1\r\nConnection: close\r\n\r\n")
        state = json.loads(client.read_to_end().partition(b"\r\n\r\n")[2])
        return int(state["requests"]["record_failures"])

    kit.wait_until(lambda: failures() >= 20, "every request was tried to be recorded")
    assert "could not be recorded" in caplog.text


def test_finished_requests_that_wait_for_their_span_are_bounded_and_counted(
    kit: "Kit", outlet: "KeepingOutlet", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A core that forwards all the time leaves none to build spans: 20 requests, room for 6."""
    monkeypatch.setattr(deferred, "DELAY_S", 3600.0)
    monkeypatch.setattr(recorder, "MAX_WAITING", 6)
    sidecar = kit.sidecar(kit.engine(_answer_all).url, outlet)
    _ask_often(kit, sidecar.port)
    sidecar.close()  # what waits is built when it stops
    assert len(outlet.spans) == 6
    assert outlet.left_out == ["queue_full"] * 14


def test_garbage_streams_pass_and_leave_a_span(kit: "Kit", outlet: "KeepingOutlet") -> None:
    garbage = b'data: {not json\n\ndata: [1, 2]\n\n\x00\xff\n\ndata: {"choices": [1, null]}\n\n'

    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        connection.send_chunk(garbage)
        connection.send(b"0\r\n\r\n")

    client = kit.client(kit.sidecar(kit.engine(script).url, outlet).port)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(CHAT))
    client.send(CHAT)
    client.read_until(b"\r\n\r\n")
    assert client.read_chunked() == garbage
    found = outlet.the_span().attributes
    assert found is not None and found["tachograph.stream.chunk_count"] == 0
    assert "gen_ai.usage.output_tokens" not in found  # unknown is absent, never 0


def test_slow_telemetry_threads_do_not_hold_up_requests(kit: "Kit") -> None:
    blocked = threading.Event()

    class BlockedMetrics(FailingOutlet):
        def submit_span(self, span: ReadableSpan) -> bool:
            return True

        def submit_metrics(self, points: Sequence[MetricPoint]) -> bool:
            return blocked.wait(20)

    sidecar = kit.sidecar(kit.engine(_answer_all).url, BlockedMetrics())
    _ask_often(kit, sidecar.port)
    blocked.set()
