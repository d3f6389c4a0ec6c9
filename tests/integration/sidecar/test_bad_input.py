"""GPUs that cannot be read and engines that come and go: requests pass, what is unknown is absent."""

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.fixtures.simulated_nvml import (
    DRIVER_NOT_LOADED,
    NO_PERMISSION,
    SimulatedCard,
    SimulatedDriver,
)

from tachograph._internal.gpu.nvml import NvmlSource

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
ANSWER = (
    b'{"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": '
    b'{"role": "assistant", "content": "yes"}}], "usage": {"prompt_tokens": 3, '
    b'"completion_tokens": 1}}'
)
POST = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(CHAT), CHAT)


def _answer_all(connection: "EngineConnection") -> None:
    while connection.read_request() is not None:
        connection.answer(ANSWER)


def _ask(kit: "Kit", port: int) -> bytes:
    client = kit.client(port)
    client.send(POST)
    head = client.read_until(b"\r\n\r\n").lower()
    assert head.startswith(b"http/1.1 200 ")
    return client.read_exactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


def _state(kit: "Kit", port: int) -> Any:
    client = kit.client(port)
    client.send(b"GET /_tachograph/state HTTP/1.1\r\nConnection: close\r\n\r\n")
    return json.loads(client.read_to_end().partition(b"\r\n\r\n")[2])


def _attributes(span: "ReadableSpan") -> dict[str, object]:
    return dict(span.attributes or {})


def test_without_a_driver_requests_pass_and_joules_are_absent(
    kit: "Kit", outlet: "KeepingOutlet", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", SimulatedDriver(init_error=DRIVER_NOT_LOADED))
    sidecar = kit.sidecar(kit.engine(_answer_all).url, outlet, gpus=NvmlSource())
    assert _ask(kit, sidecar.port) == ANSWER
    found = _attributes(outlet.the_span())
    assert found["gen_ai.usage.output_tokens"] == 1
    assert found["tachograph.usage.engine_seconds"] != 0
    for name in ("gpu_seconds", "energy", "energy_error"):
        assert f"tachograph.usage.{name}" not in found
    gpu = _state(kit, sidecar.port)["gpu"]
    assert gpu["available"] is False and "no NVIDIA driver answers" in gpu["reason"]
    assert not [point for point in outlet.points if point.name.startswith("hw.")]


def test_without_permission_for_the_counter_spans_have_joules_by_the_power(
    kit: "Kit", outlet: "KeepingOutlet", monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [
        SimulatedCard("NVIDIA H100", 300.0, counter_error=NO_PERMISSION),
        SimulatedCard("Tesla T4", 50.0, counter_error=NO_PERMISSION, has_instant_power=False),
    ]
    monkeypatch.setitem(sys.modules, "pynvml", SimulatedDriver(cards))
    sidecar = kit.sidecar(kit.engine(_answer_all).url, outlet, gpus=NvmlSource())
    kit.wait_until(lambda: any(p.name == "hw.power" for p in outlet.points), "power was read")

    def joules() -> list[object]:
        assert _ask(kit, sidecar.port) == ANSWER
        return [_attributes(span).get("tachograph.usage.energy") for span in outlet.spans]

    kit.wait_until(lambda: any(one is not None for one in joules()), "a span has joules")
    assert not [point for point in outlet.points if point.name == "hw.energy"]
    devices = _state(kit, sidecar.port)["gpu"]["devices"]
    assert [device["model"] for device in devices] == ["NVIDIA H100", "Tesla T4"]


def test_an_engine_that_restarts_in_a_stream_serves_the_next_request(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    piece = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    has_read = threading.Event()

    def dies(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        connection.send_chunk(piece)
        assert has_read.wait(120)

    engine = kit.engine(dies)
    sidecar = kit.sidecar(engine.url, outlet)
    client = kit.client(sidecar.port)
    client.send(POST)
    client.read_until(b"\r\n\r\n")
    assert client.read_exactly(4 + len(piece)) == b"%x\r\n%b" % (len(piece), piece)
    has_read.set()
    engine.close()
    assert b"0\r\n\r\n" not in client.read_to_end()  # the client sees that it is unfinished
    assert _attributes(outlet.the_span())["error.type"] == "engine_disconnected"
    kit.engine(_answer_all, at_port=engine.port)
    assert _ask(kit, sidecar.port) == ANSWER
    assert "error.type" not in _attributes(outlet.wait_for_spans(2)[1])
