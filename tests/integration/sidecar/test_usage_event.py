"""Token counts of streams, asked for unseen by the client."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

TEXTS = ("Hel", "lo", " wörld")


def _chunk(**fields: object) -> bytes:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", **fields}
    return (
        b"data: " + json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
    )


def _stream(asks_usage: bool) -> list[bytes]:
    """What vLLM sends: `usage` in one last event, only where it was asked for, and there its
    fingerprint too; else that stands in the chunk that ends the choice."""
    fingerprint = {"system_fingerprint": "vllm-0.32.0-tp2-32ef49ed"}
    moved, own = ({}, fingerprint) if asks_usage else (fingerprint, {})
    events = [_chunk(choices=[{"index": 0, "delta": {"content": text}}]) for text in TEXTS]
    events.append(_chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], **moved))
    if asks_usage:
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        events.append(_chunk(choices=[], usage=usage, **own))
    return [*events, b"data: [DONE]\n\n"]


def _engine_script(connection: "EngineConnection") -> None:
    while (request := connection.read_request()) is not None:
        body = json.loads(request[1])
        if not body.get("stream"):
            connection.answer(b'{"choices": [], "usage": {"prompt_tokens": 1}}')
            continue
        asks_usage = (body.get("stream_options") or {}).get("include_usage") is True
        stream = b"".join(_stream(asks_usage))
        connection.start_stream()
        for start in range(0, len(stream), 37):  # pieces that respect no event
            connection.send_chunk(stream[start : start + 37])
        connection.send(b"0\r\n\r\n")


def _ask(kit: "Kit", port: int, body: bytes, headers: bytes = b"") -> bytes:
    client = kit.client(port)
    client.send(
        b"POST /v1/chat/completions HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b"
        % (headers, len(body), body)
    )
    client.read_until(b"\r\n\r\n")
    return client.read_chunked()


def test_the_client_gets_the_stream_it_asked_for_and_the_span_has_the_counts(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    engine = kit.engine(_engine_script)
    sidecar = kit.sidecar(engine.url, outlet, engine="vllm")
    body = b' {"model": "m", "stream": true, "messages": []}'
    assert _ask(kit, sidecar.port, body) == b"".join(_stream(asks_usage=False))
    sent = engine.requests[0][1]
    assert json.loads(sent) == {**json.loads(body), "stream_options": {"include_usage": True}}
    attributes = outlet.the_span().attributes
    assert attributes is not None
    assert attributes["gen_ai.usage.input_tokens"] == 9
    assert attributes["gen_ai.usage.output_tokens"] == 3
    assert attributes["gen_ai.provider.name"] == "vllm"
    assert attributes["openai.response.system_fingerprint"] == "vllm-0.32.0-tp2-32ef49ed"
    assert attributes["tachograph.engine.tensor_parallel_size"] == 2
    assert "tachograph.engine.pipeline_parallel_size" not in attributes  # it does not say


def test_a_client_that_asked_itself_gets_the_event(kit: "Kit") -> None:
    engine = kit.engine(_engine_script)
    sidecar = kit.sidecar(engine.url, engine="vllm")
    body = b'{"stream": true, "stream_options": {"include_usage": true}}'
    assert _ask(kit, sidecar.port, body) == b"".join(_stream(asks_usage=True))
    assert engine.requests[0][1] == body


@pytest.mark.parametrize(
    ("body", "name", "ask_usage"),
    [
        (b'{"stream": true, "stream_options": {"include_usage": false}}', "vllm", "on"),
        (b'{"stream": true, "stream_options": null}', "vllm", "on"),
        (b'{"stream": true}', "vllm", "off"),
        (b'{"stream": true}', "llama_cpp", "on"),
        (b'{"stream": true}', "auto", "on"),
    ],
)
def test_requests_are_left_alone(kit: "Kit", body: bytes, name: str, ask_usage: str) -> None:
    engine = kit.engine(_engine_script)
    sidecar = kit.sidecar(engine.url, engine=name, ask_usage=ask_usage)
    assert _ask(kit, sidecar.port, body) == b"".join(_stream(asks_usage=False))
    assert engine.requests[0][1] == body


def test_a_held_body_that_waits_for_100_continue_is_asked_for(kit: "Kit") -> None:
    engine = kit.engine(_engine_script)
    client = kit.client(kit.sidecar(engine.url, engine="vllm").port)
    body = b'{"stream": true}'
    client.send(
        b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(body)
    client.read_until(b"\r\n\r\n")
    assert client.read_chunked() == b"".join(_stream(asks_usage=False))
    assert b"expect" not in engine.requests[0][0].lower()


def test_a_chunked_request_body_is_held_too(kit: "Kit") -> None:
    engine = kit.engine(_engine_script)
    client = kit.client(kit.sidecar(engine.url, engine="vllm").port)
    client.send(
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'8\r\n{"stream\r\n8\r\n": true}\r\n0\r\n\r\n'
    )
    client.read_until(b"\r\n\r\n")
    assert client.read_chunked() == b"".join(_stream(asks_usage=False))
    assert b"transfer-encoding" not in engine.requests[0][0].lower()


def test_a_body_too_long_to_hold_passes_as_it_came(kit: "Kit") -> None:
    engine = kit.engine(_engine_script)
    client = kit.client(kit.sidecar(engine.url, engine="vllm").port)
    body = b'{"x": "%b", "stream": true}' % (b"y" * 1_500_000)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    client.read_until(b"\r\n\r\n")
    assert client.read_chunked() == b"".join(_stream(asks_usage=False))
    assert engine.requests[0][1] == body


def test_whole_answers_are_not_filtered(kit: "Kit") -> None:
    engine = kit.engine(_engine_script)
    client = kit.client(kit.sidecar(engine.url, engine="vllm").port)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    assert client.read_until(b"}}").endswith(b'{"choices": [], "usage": {"prompt_tokens": 1}}')
