"""A streamed answer put together again from its chunks."""

from dataclasses import dataclass, field
from typing import Any

from tachograph._internal.generation import Generation
from tachograph._internal.openai.reading import (
    LogProbabilities,
    items,
    note_identity,
    note_usage,
    read,
)


@dataclass(slots=True)
class _ToolCall:
    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Choice:
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tool_calls: dict[int, _ToolCall] = field(default_factory=dict)
    finish_reason: str | None = None


class Assembly:
    """Gathers chunks. Text is kept only where it will be recorded, and only up to a bound."""

    def __init__(self, generation: Generation, *, keeps_text: bool, max_characters: int) -> None:
        self._generation = generation
        self._keeps_text = keeps_text
        self._room = max_characters
        self._choices: dict[int, _Choice] = {}
        self._has_identity = False
        self._probabilities = LogProbabilities()

    def add(self, chunk: object) -> bool:
        """Take one chunk in; True when it carries a part of the answer. Chunks without content (a
        role, a usage report) do not count in its timing."""
        if not self._has_identity:
            note_identity(self._generation, chunk)
            self._has_identity = read(chunk, "id") is not None
        note_usage(self._generation, read(chunk, "usage"))
        for choice in items(read(chunk, "choices")):
            self._probabilities.add(choice)
            self._add_choice(choice)
        return _has_content(chunk)

    def _add_choice(self, source: object) -> None:
        index = read(source, "index")
        choice = self._choices.setdefault(index if isinstance(index, int) else 0, _Choice())
        reason = read(source, "finish_reason")
        if isinstance(reason, str):
            choice.finish_reason = reason
        delta = read(source, "delta")
        if delta is None:
            self._keep(choice.text, read(source, "text"))
            return
        self._keep(choice.text, read(delta, "content"))
        self._keep(choice.reasoning, read(delta, "reasoning_content") or read(delta, "reasoning"))
        self._keep(choice.refusal, read(delta, "refusal"))
        for call in items(read(delta, "tool_calls")):
            self._add_tool_call(choice, call)

    def _add_tool_call(self, choice: _Choice, source: object) -> None:
        index = read(source, "index")
        call = choice.tool_calls.setdefault(index if isinstance(index, int) else 0, _ToolCall())
        call.id = read(source, "id") or call.id
        function = read(source, "function")
        call.name += read(function, "name") or ""
        self._keep(call.arguments, read(function, "arguments"))

    def _keep(self, pieces: list[str], piece: object) -> None:
        if not self._keeps_text or not isinstance(piece, str) or not piece:
            return
        # One character beyond the bound is kept, so that the cut is seen and marked as one.
        if self._room >= 0:
            pieces.append(piece[: self._room + 1])
            self._room -= len(piece)

    def finish(self) -> None:
        """Write what was gathered into the generation."""
        self._probabilities.note(self._generation)
        ordered = [self._choices[index] for index in sorted(self._choices)]
        self._generation.response(
            finish_reasons=[choice.finish_reason for choice in ordered if choice.finish_reason]
        )
        if self._keeps_text and ordered:
            self._generation.completion = [_message(choice) for choice in ordered]


def _has_content(chunk: object) -> bool:
    for choice in items(read(chunk, "choices")):
        delta = read(choice, "delta")
        if read(choice, "text"):
            return True
        for name in ("content", "reasoning_content", "reasoning", "refusal", "tool_calls"):
            if read(delta, name):
                return True
    return False


def _message(choice: _Choice) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": "".join(choice.text) if choice.text else None,
        "reasoning_content": "".join(choice.reasoning) if choice.reasoning else None,
        "refusal": "".join(choice.refusal) if choice.refusal else None,
        "tool_calls": [
            {
                "id": call.id,
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
            }
            for _, call in sorted(choice.tool_calls.items())
        ],
        "finish_reason": choice.finish_reason,
    }
