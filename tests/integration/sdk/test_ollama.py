"""The real `ollama` client, wrapped, against a server that answers as Ollama does."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import tachograph
from tachograph.testing import ReceivedSpan, Receiver

from .sidecar_process import comparable, running_sidecar

ollama = pytest.importorskip("ollama")

ASK = [{"role": "user", "content": "Why is it blue?"}]
OPTIONS = {"temperature": 0.5, "num_predict": 9, "seed": 3}
DURATIONS = {
    "total_duration": 174560334,
    "load_duration": 101397084,
    "prompt_eval_count": 11,
    "prompt_eval_duration": 13074791,
    "eval_count": 18,
    "eval_duration": 52479709,
}
"""As Ollama's own API reference has them, nanoseconds."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    headers_seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self._answer({"version": "0.12.6"})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        if request["model"] == "missing":
            self._answer({"error": "model 'missing' not found"}, 404)
        elif self.path == "/api/embed":
            vectors = {"model": request["model"], "embeddings": [[0.25, 0.5]]}
            self._answer({**vectors, "load_duration": 1019500, "prompt_eval_count": 8})
        elif request.get("stream"):
            self._stream(list(self._parts(request)))
        else:
            self._answer(self._part(request, "The sky.", {"done_reason": "stop", **DURATIONS}))

    def _parts(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield self._part(request, "The")
        yield self._part(request, " sky.")
        yield self._part(request, "", {"done_reason": "stop", **DURATIONS})

    def _part(
        self, request: dict[str, Any], text: str, last: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        said: dict[str, Any] = {"response": text}
        if self.path == "/api/chat":
            message: dict[str, Any] = {"role": "assistant", "content": text}
            if request.get("tools") and last is not None:
                call = {"name": "weather", "arguments": {"city": "Bern"}}
                message["tool_calls"] = [{"function": call}]
            said = {"message": message}
        head = {"model": request["model"], "created_at": "2026-11-01T10:00:00.000000Z"}
        return {**head, **said, "done": last is not None, **(last or {})}

    def _stream(self, parts: list[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            line = json.dumps(part).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def engine() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An engine's URL and the headers of what it was asked."""
    Handler.headers_seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Handler.headers_seen
    server.shutdown()
    server.server_close()


def received(receiver: Receiver, count: int) -> list[ReceivedSpan]:
    assert tachograph.flush(10)
    assert len(receiver.spans) == count
    return receiver.spans


def test_chat_whole_and_streamed(tachograph_receiver: Receiver, engine: Any) -> None:
    url, headers = engine
    with ollama.Client(url) as bare:
        client = tachograph.wrap(bare)
        assert client.chat("m", ASK, options=OPTIONS).message.content == "The sky."
        parts = list(client.chat("m", ASK, options=OPTIONS, stream=True))
    assert [part.message.content for part in parts] == ["The", " sky.", ""]
    whole, streamed = received(tachograph_receiver, 2)
    for span, sent in zip((whole, streamed), headers, strict=True):
        facts = span.attributes
        assert sent["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
        assert sent["x-request-id"] == facts["tachograph.request.id"]
        expected = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "ollama",
            "gen_ai.request.model": "m",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.max_tokens": 9,
            "gen_ai.request.seed": 3,
            "gen_ai.response.model": "m",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": 11,
            "gen_ai.usage.output_tokens": 18,
            "tachograph.engine.queue_time": 0.101397084,
            "tachograph.engine.prefill_time": 0.013074791,
            "tachograph.engine.decode_time": 0.052479709,
        }
        assert {name: facts.get(name) for name in expected} == expected
        (said,) = json.loads(facts["gen_ai.output.messages"])
        assert said["parts"] == [{"type": "text", "content": "The sky."}]
    assert whole.attributes["gen_ai.request.stream"] is False
    assert streamed.attributes["tachograph.stream.chunk_count"] == 2


def test_generate_embed_and_tools(tachograph_receiver: Receiver, engine: Any) -> None:
    with ollama.Client(engine[0]) as bare:
        client = tachograph.wrap(bare)
        assert client.generate("m", "Why?", system="Be brief.").response == "The sky."
        assert client.embed("e", "x").embeddings == [[0.25, 0.5]]
        tool = {"type": "function", "function": {"name": "weather", "parameters": {}}}
        client.chat("m", ASK, tools=[tool])
    text, embedding, called = received(tachograph_receiver, 3)
    assert text.name == "text_completion m"
    asked = json.loads(text.attributes["gen_ai.input.messages"])
    assert [message["role"] for message in asked] == ["system", "user"]
    assert embedding.name == "embeddings e"
    assert embedding.attributes["gen_ai.usage.input_tokens"] == 8
    assert "gen_ai.usage.output_tokens" not in embedding.attributes
    (said,) = json.loads(called.attributes["gen_ai.output.messages"])
    assert said["parts"][-1]["name"] == "weather"
    assert "weather" in called.attributes["gen_ai.tool.definitions"]


def test_errors_and_streams_that_are_left(tachograph_receiver: Receiver, engine: Any) -> None:
    with ollama.Client(engine[0]) as bare:
        client = tachograph.wrap(bare)
        with pytest.raises(ollama.ResponseError):
            client.chat("missing", ASK)
        with pytest.raises(ollama.ResponseError):
            list(client.chat("missing", ASK, stream=True))
        stream = client.chat("m", ASK, stream=True)
        next(stream)
        stream.close()
    whole, streamed, left = received(tachograph_receiver, 3)
    for span in (whole, streamed):
        assert span.attributes["error.type"] == "ollama._types.ResponseError"
    assert left.attributes["tachograph.client.disconnected"] is True


def test_the_asynchronous_client(tachograph_receiver: Receiver, engine: Any) -> None:
    async def use() -> None:
        async with ollama.AsyncClient(engine[0]) as bare:
            client = tachograph.wrap(bare)
            assert (await client.chat("m", ASK)).message.content == "The sky."
            parts = [part async for part in await client.chat("m", ASK, stream=True)]
            assert len(parts) == 3

    asyncio.run(use())
    for span, sent in zip(received(tachograph_receiver, 2), engine[1], strict=True):
        assert span.attributes["gen_ai.usage.output_tokens"] == 18
        assert sent["traceparent"].split("-")[2] == span.span_id


def test_the_span_is_the_one_that_the_sidecar_makes(
    tachograph_receiver: Receiver, engine: Any
) -> None:
    with Receiver() as beside, running_sidecar(engine[0], beside.endpoint) as sidecar:
        with ollama.Client(sidecar) as bare, tachograph.context(session="s-1"):
            client = tachograph.wrap(bare)
            client.chat(model="m", messages=ASK, options=OPTIONS)
            list(client.chat(model="m", messages=ASK, options=OPTIONS, stream=True))
        seen = beside.wait_for_spans(2, 180)
    for own, theirs in zip(received(tachograph_receiver, 2), seen, strict=True):
        assert own.attributes["tachograph.counted"] is False  # the sidecar's counts
        assert theirs.parent_span_id == own.span_id
        assert comparable(own.attributes) == comparable(theirs.attributes)
        for name in ("gen_ai.input.messages", "gen_ai.output.messages", "session.id"):
            assert own.attributes[name] == theirs.attributes[name]
