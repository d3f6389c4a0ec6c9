"""What a request to an OpenAI-shaped endpoint asks for, and how often it was sent."""

from collections.abc import Mapping
from typing import Any, Final

from tachograph._internal.generation import Generation
from tachograph._internal.openai.reading import read
from tachograph.semconv import attributes


def output_type(arguments: Mapping[str, Any]) -> str | None:
    """`gen_ai.output.type` of a request, chat completions included; None: not said."""
    for name in ("response_format", "text_format"):
        given = arguments.get(name)
        if isinstance(given, type):
            return "json"
        if isinstance(given, Mapping):
            return _type_of(given)
    text = arguments.get("text")
    given = text.get("format") if isinstance(text, Mapping) else None
    return _type_of(given) if isinstance(given, Mapping) else None


def _type_of(response_format: Mapping[str, Any]) -> str | None:
    kind = response_format.get("type")
    if not isinstance(kind, str):
        return None
    return "text" if kind == "text" else "json"


RETRY_COUNT_HEADER: Final = "x-stainless-retry-count"
"""The `openai` package's own request header: how often it had sent this request before."""


def note_retries(generation: Generation, holder: object) -> None:
    """How often the client sent the request again, from a raw answer or from an error."""
    count = read(holder, "retries_taken")
    if count is None:
        request = read(read(holder, "response"), "request") or read(holder, "request")
        sent = read(request, "headers")
        count = None if sent is None else sent.get(RETRY_COUNT_HEADER)
    try:
        number = int(count)
    except (TypeError, ValueError):
        return
    if number > 0:
        generation._facts[attributes.REQUEST_RESEND_COUNT] = number
