"""The Responses API: what was asked, and answers whole or streamed as events."""

from collections.abc import Mapping
from typing import Any, Final

from tachograph._internal.generation import Generation
from tachograph._internal.openai.reading import items, note_identity, note_usage, read

_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""`incomplete_details.reason` -> the finish reason that other endpoints give for it."""

_FINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_TEXT: Final = frozenset({"response.output_text.delta"})
_REASONING: Final = frozenset(
    {"response.reasoning_text.delta", "response.reasoning_summary_text.delta"}
)
_REFUSAL: Final = frozenset({"response.refusal.delta"})


def input_messages(arguments: Mapping[str, Any]) -> list[Any]:
    """`instructions` and `input` as one list of messages and items."""
    found: list[Any] = []
    instructions = arguments.get("instructions")
    if isinstance(instructions, str):
        found.append({"role": "system", "content": instructions})
    given = arguments.get("input")
    if isinstance(given, str):
        found.append({"role": "user", "content": given})
    else:
        found += items(given)
    return found


def note_response(generation: Generation, response: object) -> None:
    """Everything that a complete `Response` says."""
    note_identity(generation, response)
    note_usage(generation, read(response, "usage"))
    said = _Said()
    for item in items(read(response, "output")):
        said.take(item)
    reason = _finish_reason(response, said)
    _conclude(generation, said, reason)
    if read(response, "status") == "failed":
        code = read(read(response, "error"), "code")
        generation._fail(str(code) if isinstance(code, str) else "response_failed")


def _finish_reason(response: object, said: "_Said") -> str | None:
    status = read(response, "status")
    if status == "completed":
        return "tool_calls" if said.tool_calls else "stop"
    if status == "incomplete":
        reason = read(read(response, "incomplete_details"), "reason")
        return _INCOMPLETE.get(reason, reason) if isinstance(reason, str) else None
    return "error" if status == "failed" else None


def _conclude(generation: Generation, said: "_Said", reason: str | None) -> None:
    generation.response(finish_reasons=[reason] if reason else [])
    if said.has_anything and generation._records_content:
        generation.completion = said.message(reason)


class _Said:
    """The parts of an answer, as one assistant message."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.tool_calls: list[dict[str, Any]] = []

    def take(self, item: object) -> None:
        kind = read(item, "type")
        if kind == "message":
            for part in items(read(item, "content")):
                _add(self.text, read(part, "text"))
                _add(self.refusal, read(part, "refusal"))
        elif kind == "reasoning":
            for part in (*items(read(item, "summary")), *items(read(item, "content"))):
                _add(self.reasoning, read(part, "text"))
        elif kind in ("function_call", "custom_tool_call"):
            arguments = read(item, "arguments") if kind == "function_call" else read(item, "input")
            function = {"name": read(item, "name"), "arguments": arguments}
            self.tool_calls.append({"id": read(item, "call_id"), "function": function})

    @property
    def has_anything(self) -> bool:
        return bool(self.text or self.reasoning or self.refusal or self.tool_calls)

    def message(self, reason: str | None) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": "".join(self.text) if self.text else None,
            "reasoning_content": "".join(self.reasoning) if self.reasoning else None,
            "refusal": "".join(self.refusal) if self.refusal else None,
            "tool_calls": self.tool_calls,
            "finish_reason": reason,
        }


def _add(pieces: list[str], piece: object) -> None:
    if isinstance(piece, str) and piece:
        pieces.append(piece)


class ResponseAssembly:
    """A streamed response. Its last event carries the whole answer; what came before is kept only
    in case that event never comes, where it will be recorded, and up to a bound."""

    def __init__(self, generation: Generation, *, keeps_text: bool, max_characters: int) -> None:
        self._generation = generation
        self._room = max_characters if keeps_text else -1
        self._said = _Said()
        self._is_complete = False

    def add(self, event: object) -> bool:
        """Take one event in; True when it carries a part of the answer."""
        kind = read(event, "type")
        response = read(event, "response")
        if kind in _FINAL:
            self._is_complete = True
            note_response(self._generation, response)
        elif kind == "error":
            code = read(event, "code")
            self._generation._fail(code if isinstance(code, str) else "stream_error")
        elif response is not None:
            note_identity(self._generation, response)
        delta = read(event, "delta")
        if not isinstance(kind, str) or not kind.endswith(".delta") or not delta:
            return False
        if kind in _TEXT:
            self._keep(self._said.text, delta)
        elif kind in _REASONING:
            self._keep(self._said.reasoning, delta)
        elif kind in _REFUSAL:
            self._keep(self._said.refusal, delta)
        return True

    def _keep(self, pieces: list[str], delta: object) -> None:
        # One character beyond the bound is kept, so that the cut is seen and marked as one.
        if isinstance(delta, str) and self._room >= 0:
            pieces.append(delta[: self._room + 1])
            self._room -= len(delta)

    def finish(self) -> None:
        """Write what was gathered into the generation, where the stream broke off."""
        if not self._is_complete:
            _conclude(self._generation, self._said, None)
