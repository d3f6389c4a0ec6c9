"""What clients ask of vLLM, and what must be recorded of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

Body = Mapping[str, Any]

_MESSAGES: Final = [{"role": "user", "content": "a b c"}]
_TOOL: Final = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
}
_LONG: Final = [{"role": "user", "content": "a " * 400}]
CHAT: Final = "/v1/chat/completions"
LONG_STREAM: Final = {
    "model": "tiny",
    "messages": _MESSAGES,
    "max_tokens": 120,
    "min_tokens": 120,
    "stream": True,
}
"""As many tokens as fit into the context."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request; its label is its `X-Request-Id`."""

    label: str
    path: str
    body: Body
    expected: Mapping[str, Any] = field(default_factory=dict)
    """Columns beyond those that the answer itself tells."""


def _chat(label: str, expected: Mapping[str, Any] | None = None, **more: Any) -> Call:
    body = {"model": "tiny", "messages": _MESSAGES, "max_tokens": 6, "temperature": 0.0, **more}
    return Call(label, CHAT, body, {"operation": "chat", **(expected or {})})


def _text(label: str, **more: Any) -> Call:
    body = {"model": "tiny", "prompt": "a b c", "max_tokens": 6, "temperature": 0.0, **more}
    return Call(label, "/v1/completions", body, {"operation": "text_completion"})


def _message(label: str, **more: Any) -> Call:
    body = {"model": "tiny", "messages": _MESSAGES, "max_tokens": 6, "temperature": 0.0, **more}
    return Call(label, "/v1/messages", body, {"operation": "chat", "has_cache_read_tokens": True})


_NOT_ASKED: Final = {"input_tokens": None, "has_cache_read_tokens": False}
"""The sidecar asks for no usage of several choices."""

CALLS: Final = (
    _chat("chat"),
    _chat("chat-two-choices", n=2, temperature=1.0),
    _chat("chat-tools", tools=[_TOOL]),
    _chat("chat-adapter", model="fine"),
    _chat("chat-stream", stream=True),
    _chat("chat-stream-usage", stream=True, stream_options={"include_usage": True}),
    _chat("chat-stream-two-choices", _NOT_ASKED, stream=True, n=2, temperature=1.0),
    _text("text"),
    _text("text-two-prompts", prompt=["a b c", "d e"]),
    _text("text-stream", stream=True),
    Call(
        "responses",
        "/v1/responses",
        {"model": "tiny", "input": "a b c", "max_output_tokens": 6, "temperature": 0.0},
        {"operation": "chat"},
    ),
    Call(
        "responses-stream",
        "/v1/responses",
        {"model": "tiny", "input": "a b c", "max_output_tokens": 6, "stream": True},
        {"operation": "chat"},
    ),
    _message("message"),
    _message("message-stream", stream=True),
    _chat("too-long", {"error_type": "BadRequestError"}, messages=_LONG),
    _chat("too-long-stream", {"error_type": "BadRequestError"}, messages=_LONG, stream=True),
    _chat("no-such-model", {"error_type": "NotFoundError"}, model="other"),
    Call(
        "embeddings",
        "/v1/embeddings",
        {"model": "tiny", "input": "a b c"},
        {"operation": "embeddings", "error_type": "404"},
    ),
)


@dataclass(slots=True)
class Seen:
    """What the client got."""

    status: int
    request_id: str
    answers: list[dict[str, Any]]
    """The body, or the events of a stream."""

    def last(self, key: str) -> Any:
        """What the answer said last under this key; None if nothing."""
        for answer in reversed(self.answers):
            if answer.get(key) is not None:
                return answer[key]
        return None


def ask(client: httpx.Client, call: Call) -> Seen:
    """Send it and read the answer to its end."""
    answer = client.post(call.path, json=call.body, headers={"x-request-id": call.label})
    if answer.headers["content-type"].startswith("text/event-stream"):
        lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        events = [json.loads(line) for line in lines if line != "[DONE]"]
    else:
        events = [answer.json()]
    return Seen(answer.status_code, answer.headers["x-request-id"], events)


def expected_columns(call: Call, direct: Seen) -> dict[str, Any]:
    """What the sidecar's span must hold, by the engine's own words to a client that asked it
    directly, with usage."""
    usage = direct.last("usage") or (direct.last("response") or {}).get("usage") or {}
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    is_answer = direct.status == 200
    return {
        "observer": "proxy",
        "is_counted": True,
        "provider": "vllm",
        "request_id": call.label,
        "request_model": call.body["model"],
        "response_model": call.body["model"] if is_answer else None,
        "is_streaming": True if call.body.get("stream") else None,
        "input_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "output_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
        "has_cache_read_tokens": details.get("cached_tokens") is not None,
        "error_type": None,
        **call.expected,
    }
