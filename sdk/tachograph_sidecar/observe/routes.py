"""Which requests are model calls, and in whose words their bodies speak."""

from dataclasses import dataclass
from typing import Literal

Dialect = Literal["openai", "openai_responses", "anthropic", "ollama", "llama_cpp"]


@dataclass(frozen=True, slots=True)
class Route:
    """What a path means.

    Attributes:
        operation: `gen_ai.operation.name`.
        dialect: the shape of request and answer.
        can_carry_usage: whether `stream_options.include_usage` means something here.
    """

    operation: str
    dialect: Dialect
    can_carry_usage: bool = False


_CHAT = Route("chat", "openai", can_carry_usage=True)
_COMPLETION = Route("text_completion", "openai", can_carry_usage=True)
_EMBEDDINGS = Route("embeddings", "openai")
_RESPONSES = Route("chat", "openai_responses")
_MESSAGES = Route("chat", "anthropic")

_BY_PATH = {
    b"/api/chat": Route("chat", "ollama"),
    b"/api/generate": Route("text_completion", "ollama"),
    b"/api/embed": Route("embeddings", "ollama"),
    b"/api/embeddings": Route("embeddings", "ollama"),
    b"/completion": Route("text_completion", "llama_cpp"),
}

_BY_SUFFIX = (
    (b"/chat/completions", _CHAT),
    (b"/completions", _COMPLETION),
    (b"/embeddings", _EMBEDDINGS),
    (b"/v1/responses", _RESPONSES),
    (b"/v1/messages", _MESSAGES),
)


def route_of(method: bytes, path: bytes) -> Route | None:
    """The model call that a request is, or None for anything else (which passes unrecorded)."""
    if method != b"POST":
        return None
    path = path.rstrip(b"/")
    exact = _BY_PATH.get(path)
    if exact is not None:
        return exact
    for suffix, route in _BY_SUFFIX:
        if path.endswith(suffix):
            return route
    return None
