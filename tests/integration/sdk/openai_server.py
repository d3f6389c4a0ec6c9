"""A small HTTP server that speaks the OpenAI protocol, for clients that are the real thing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import openai_responses

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 5,
    "total_tokens": 16,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
WORDS = ["The", " sky", " is", " blue", "."]


@dataclass
class OpenAIServer:
    """What the server saw and how it shall answer."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    response_headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    fails_first: int = 0
    """Answer so many requests with 500, and ask for another try at once."""
    breaks_after: int | None = None
    """Cut the connection after so many chunks."""
    tool_call: bool = False
    disconnected: threading.Event = field(default_factory=threading.Event)
    """Set when writing a stream failed because the client had gone."""
    gate: threading.Event | None = None
    """Where set, the stream goes on after its first chunk only when the gate opens."""


@contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    """Run one on a loopback port."""
    state = OpenAIServer()

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        if state.gate is not None:
            state.gate.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: OpenAIServer

    def do_POST(self) -> None:
        state = self.server_state
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        state.requests.append(request)
        state.headers.append({name.lower(): value for name, value in self.headers.items()})
        if len(state.requests) <= state.fails_first:
            state.status, status = 500, state.status
            self._answer({"error": {"message": "busy"}}, {"retry-after-ms": "1"})
            state.status = status
        elif state.status != 200:
            self._answer({"error": {"message": "no luck: secret prompt", "code": "x"}})
        elif self.path.endswith("/embeddings"):
            self._answer(_embedding(request))
        elif request.get("stream"):
            self._stream(request)
        elif self.path.endswith("/responses"):
            self._answer(openai_responses.response(request, "".join(WORDS), state.tool_call))
        elif self.path.endswith("/chat/completions"):
            self._answer(_chat(request, state.tool_call))
        else:
            self._answer(_text(request))

    def _answer(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(self.server_state.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self._end_headers()
        self.wfile.write(data)

    def _stream(self, request: dict[str, Any]) -> None:
        state = self.server_state
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self._end_headers()
        self.close_connection = True
        if self.path.endswith("/responses"):
            chunks = openai_responses.events(request, WORDS, state.tool_call)
        else:
            make = _chat_chunks if self.path.endswith("/chat/completions") else _text_chunks
            chunks = make(request, state.tool_call)
        try:
            for position, chunk in enumerate(chunks):
                if state.breaks_after == position:
                    self.connection.close()
                    return
                if position == 2 and state.gate is not None:
                    state.gate.wait(30)
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            state.disconnected.set()

    def _end_headers(self) -> None:
        for name, value in self.server_state.response_headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _logprobs(text: str) -> dict[str, Any]:
    """One token of probability 1/e for each four characters begun."""
    tokens = [text[at : at + 4] for at in range(0, len(text), 4)]
    return {
        "content": [
            {"token": token, "logprob": -1.0, "bytes": None, "top_logprobs": []} for token in tokens
        ]
    }


def _chat(request: dict[str, Any], tool_call: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(WORDS)}
    if tool_call:
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Bern"}'},
                }
            ],
        }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{request['model']}-0613",
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": _logprobs("".join(WORDS)) if request.get("logprobs") else None,
                "finish_reason": "tool_calls" if tool_call else "stop",
            }
        ],
        "usage": USAGE,
    }


def _text(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": request["model"],
        "choices": [{"index": 0, "text": "".join(WORDS), "finish_reason": "length"}],
        "usage": USAGE,
    }


def _embedding(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "list",
        "model": request["model"],
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, 0.5]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


def _chunk(request: dict[str, Any], kind: str, choices: list[Any]) -> dict[str, Any]:
    return {
        "id": "stream-1",
        "object": kind,
        "created": 1,
        "model": request["model"],
        "choices": choices,
    }


def _chat_chunks(request: dict[str, Any], tool_call: bool) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": reason}
        if request.get("logprobs") and delta.get("content"):
            choice["logprobs"] = _logprobs(delta["content"])
        return _chunk(request, "chat.completion.chunk", [choice])

    yield chunk({"role": "assistant", "content": ""})
    if tool_call:
        start = {"index": 0, "id": "call_1", "type": "function"}
        yield chunk({"tool_calls": [{**start, "function": {"name": "weather", "arguments": ""}}]})
        for piece in ('{"city"', ':"Bern"}'):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        yield chunk({}, "tool_calls")
    else:
        for word in WORDS:
            yield chunk({"content": word})
        yield chunk({}, "stop")
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**_chunk(request, "chat.completion.chunk", []), "usage": USAGE}


def _text_chunks(request: dict[str, Any], tool_call: bool) -> Iterator[dict[str, Any]]:
    for word in WORDS:
        choice = {"index": 0, "text": word, "finish_reason": None}
        yield _chunk(request, "text_completion", [choice])
    yield _chunk(request, "text_completion", [{"index": 0, "text": "", "finish_reason": "stop"}])
