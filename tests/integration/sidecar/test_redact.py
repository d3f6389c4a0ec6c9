"""Redaction of answers on the way to the client: streams, whole bodies, compressed ones, spans."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

EMAIL = "ada.lovelace@example.org"
SAID = f"Write to {EMAIL} today. " + "And then wait for an answer. " * 20
CLEAN = SAID.replace(EMAIL, "<EMAIL>")


def _events() -> list[bytes]:
    pieces = [SAID[start : start + 5] for start in range(0, len(SAID), 5)]
    chunks: list[dict[str, Any]] = [
        {"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces
    ]
    chunks.append({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({"id": "c", "choices": [], "usage": {"completion_tokens": 7}})
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]


WHOLE = json.dumps(
    {"id": "c", "choices": [{"index": 0, "message": {"content": SAID}}], "usage": {"x": 1}}
).encode()


def _engine_script(connection: "EngineConnection") -> None:
    while (request := connection.read_request()) is not None:
        head, body = request
        if b"compressed" in body:
            connection.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
                b"content-length: 4\r\n\r\n\x1f\x8b\x08\x00"
            )
        elif b"accept-encoding" in head.lower():
            connection.answer(b'{"error": "asked for a compressed answer"}')
        elif json.loads(body).get("stream"):
            connection.start_stream()
            for event in _events():
                connection.send_chunk(event[:10])
                connection.send_chunk(event[10:])
            connection.send_chunk(b"data: [DONE]\n\n")
            connection.send(b"0\r\n\r\n")
        else:
            connection.answer(WHOLE)


def _ask(kit: "Kit", port: int, said: object) -> tuple[bytes, bytes]:
    body = json.dumps(said).encode()
    client = kit.client(port)
    client.send(
        b"POST /v1/chat/completions HTTP/1.1\r\nAccept-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    head = client.read_until(b"\r\n\r\n")
    return head, client.read_chunked()


def _content(body: bytes) -> str:
    said = ""
    for line in body.split(b"\n\n"):
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            said += choices[0]["delta"].get("content", "") if choices else ""
    return said


def test_a_stream_is_redacted_and_its_span_too(kit: "Kit", outlet: "KeepingOutlet") -> None:
    engine = kit.engine(_engine_script)
    sidecar = kit.sidecar(engine.url, outlet, redact="pii", ask_usage="off")
    messages = [{"role": "user", "content": f"who is {EMAIL}?"}]
    _, body = _ask(kit, sidecar.port, {"stream": True, "messages": messages, "user": EMAIL})
    assert _content(body) == CLEAN
    assert body.count(b"\n\n") == len(_events()) + 1
    attributes = outlet.the_span().attributes
    assert attributes is not None
    assert attributes["gen_ai.usage.output_tokens"] == 7
    assert EMAIL not in str(dict(attributes))
    assert "<EMAIL>" in str(attributes["gen_ai.input.messages"])
    assert "<EMAIL>" in str(attributes["gen_ai.output.messages"])


def test_a_whole_answer_is_redacted(kit: "Kit") -> None:
    sidecar = kit.sidecar(kit.engine(_engine_script).url, redact="email")
    head, body = _ask(kit, sidecar.port, {})
    assert b"content-length" not in head.lower()
    assert json.loads(body) == json.loads(WHOLE.replace(EMAIL.encode(), b"<EMAIL>"))


def test_an_answer_that_cannot_be_read_is_withheld(kit: "Kit") -> None:
    sidecar = kit.sidecar(kit.engine(_engine_script).url, redact="email")
    head, body = _ask(kit, sidecar.port, {"say": "compressed"})
    assert head.startswith(b"HTTP/1.1 502")
    assert json.loads(body)["error"]["type"] == "unredactable"


def test_without_the_setting_every_byte_is_the_engines(kit: "Kit") -> None:
    def script(connection: "EngineConnection") -> None:
        while connection.read_request() is not None:
            connection.answer(WHOLE)

    sidecar = kit.sidecar(kit.engine(script).url)
    client = kit.client(sidecar.port)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    head = client.read_until(b"\r\n\r\n")
    assert b"content-length: %d" % len(WHOLE) in head.lower()
    assert client.read_exactly(len(WHOLE)) == WHOLE
