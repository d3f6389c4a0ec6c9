"""What an answer says of itself: model, tokens, why it ended, its text; whole or chunk by chunk."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tachograph._internal.messages import Message
from tachograph_sidecar.engines import EngineFacts, facts_of
from tachograph_sidecar.observe.bounded import BoundedCopy
from tachograph_sidecar.observe.messages import output_message

MAX_CHOICES = 64
_USAGE = re.compile(rb'(?<!\\)"usage"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
_ERROR_TYPE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


@dataclass(slots=True)
class Usage:
    """Token counts as the engine states them; None is unstated. Cached tokens are part of input,
    reasoning tokens part of output."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(slots=True)
class _Choice:
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tool_calls: dict[int, dict[str, object]] = field(default_factory=dict)
    finish_reason: str | None = None


class Answer:
    """Collects the facts of one answer.

    Args:
        keeps_text: whether to keep what was said.
        text_limit: characters of text kept in all.
    """

    def __init__(self, *, keeps_text: bool, text_limit: int) -> None:
        self._keeps_text = keeps_text
        self._room = text_limit
        self._choices: dict[int, _Choice] = {}
        self.model: str | None = None
        self.response_id: str | None = None
        self.error_type: str | None = None
        self.fingerprint: str | None = None
        self.usage = Usage()
        self.engine = EngineFacts()
        self.is_text_cut = False

    def add_chunk(self, data: bytes) -> bool:
        """Take one event of a stream; True when it carries output."""
        if data == b"[DONE]":
            return False
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            return False
        return self.add(chunk) if isinstance(chunk, dict) else False

    def add_body(self, body: BoundedCopy) -> None:
        """Take the whole body of an answer that was not streamed."""
        if body.is_cut:
            match = _USAGE.search(body.tail)
            if match is not None:
                try:
                    self._read_usage(json.loads(match[1]))
                except ValueError:
                    return
            return
        try:
            answer = json.loads(body.head)
        except (ValueError, RecursionError):
            return
        if isinstance(answer, dict):
            self.add(answer)

    def add(self, chunk: Mapping[str, object]) -> bool:
        """Take one JSON object of the answer; True when it carries output."""
        model = chunk.get("model")
        if isinstance(model, str) and model:
            self.model = model[:512]
        response_id = chunk.get("id")
        if isinstance(response_id, str) and response_id:
            self.response_id = response_id[:256]
        fingerprint = chunk.get("system_fingerprint")
        if isinstance(fingerprint, str) and fingerprint:
            self.fingerprint = fingerprint[:256]
        self._read_error(chunk.get("error"))
        self._read_usage(chunk.get("usage"))
        self.engine.update(facts_of(chunk))
        choices = chunk.get("choices")
        if isinstance(choices, list):
            has_output = False
            for item in choices:
                if isinstance(item, dict):
                    has_output = self._add_choice(item) or has_output
            return has_output
        return self._add_native(chunk)

    @property
    def finish_reasons(self) -> list[str]:
        """One for each choice that ended."""
        return [c.finish_reason for _, c in sorted(self._choices.items()) if c.finish_reason]

    @property
    def input_tokens(self) -> int | None:
        own = self.usage.input_tokens
        return self.engine.input_tokens if own is None else own

    @property
    def output_tokens(self) -> int | None:
        own = self.usage.output_tokens
        return self.engine.output_tokens if own is None else own

    @property
    def cache_read_tokens(self) -> int | None:
        own = self.usage.cache_read_tokens
        return self.engine.cache_read_tokens if own is None else own

    def messages(self) -> list[Message]:
        """The choices as assistant messages, empty where text is not kept."""
        if not self._keeps_text:
            return []
        return [
            output_message(
                "".join(c.text), "".join(c.reasoning), c.tool_calls.values(), c.finish_reason
            )
            for _, c in sorted(self._choices.items())
        ]

    # --- inside

    def _choice(self, index: object) -> _Choice:
        key = index if isinstance(index, int) and 0 <= index < MAX_CHOICES else 0
        return self._choices.setdefault(key, _Choice())

    def _add_choice(self, item: Mapping[str, object]) -> bool:
        choice = self._choice(item.get("index"))
        reason = item.get("finish_reason")
        if isinstance(reason, str):
            choice.finish_reason = reason[:64]
        said = item.get("delta")
        said = said if isinstance(said, dict) else item.get("message")
        said = said if isinstance(said, dict) else {}
        text = said.get("content", item.get("text"))
        reasoning = said.get("reasoning_content", said.get("reasoning"))
        calls = said.get("tool_calls")
        has_output = self._say(choice.text, text)
        has_output = self._say(choice.reasoning, reasoning) or has_output
        if isinstance(calls, list) and calls:
            has_output = True
            self._add_tool_calls(choice, calls)
        return has_output

    def _add_native(self, chunk: Mapping[str, object]) -> bool:
        """Ollama's and llama.cpp's own shapes: one choice, at the top level."""
        message = chunk.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        if text is None:
            text = chunk.get("response", chunk.get("content"))
        reason = chunk.get("done_reason") or chunk.get("stop_type")
        if not isinstance(text, str) and not isinstance(reason, str):
            return False
        choice = self._choice(0)
        if isinstance(reason, str) and reason != "none":
            choice.finish_reason = reason[:64]
        return self._say(choice.text, text)

    def _say(self, target: list[str], text: object) -> bool:
        if not isinstance(text, str) or not text:
            return False
        if self._keeps_text:
            kept = text[: self._room]
            self._room -= len(kept)
            if kept:
                target.append(kept)
            if len(kept) < len(text):
                self.is_text_cut = True
        return True

    def _add_tool_calls(self, choice: _Choice, calls: list[object]) -> None:
        if not self._keeps_text:
            return
        for position, call in enumerate(calls):
            if not isinstance(call, dict):
                continue
            index = call.get("index", position)
            if not isinstance(index, int) or not 0 <= index < MAX_CHOICES:
                continue
            known = choice.tool_calls.setdefault(index, {"id": None, "function": {}})
            if isinstance(call.get("id"), str):
                known["id"] = call["id"]
            function, part = known["function"], call.get("function")
            if not isinstance(function, dict) or not isinstance(part, dict):
                continue
            if isinstance(part.get("name"), str):
                function["name"] = part["name"]
            arguments = part.get("arguments")
            if isinstance(arguments, dict):
                arguments = json.dumps(arguments)
            if isinstance(arguments, str):
                kept = arguments[: self._room]
                self._room -= len(kept)
                self.is_text_cut = self.is_text_cut or len(kept) < len(arguments)
                function["arguments"] = f"{function.get('arguments', '')}{kept}"

    def _read_usage(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        for_input = count(usage, "prompt_tokens", "input_tokens")
        for_output = count(usage, "completion_tokens", "output_tokens")
        for_prompt = _table(usage, "prompt_tokens_details", "input_tokens_details")
        for_answer = _table(usage, "completion_tokens_details", "output_tokens_details")
        cached = count(for_prompt, "cached_tokens")
        reasoning = count(for_answer, "reasoning_tokens")
        kept = self.usage
        kept.input_tokens = kept.input_tokens if for_input is None else for_input
        kept.output_tokens = kept.output_tokens if for_output is None else for_output
        kept.cache_read_tokens = kept.cache_read_tokens if cached is None else cached
        kept.reasoning_tokens = kept.reasoning_tokens if reasoning is None else reasoning

    def _read_error(self, error: object) -> None:
        if isinstance(error, dict):
            kind = error.get("type") or error.get("code")
            is_plain = isinstance(kind, str) and _ERROR_TYPE.fullmatch(kind)
            self.error_type = str(kind) if is_plain else "engine_error"
        elif isinstance(error, str):
            self.error_type = "engine_error"


def _table(source: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        value = source.get(name)
        if isinstance(value, dict):
            return value
    return {}


def count(source: Mapping[str, object], *names: str) -> int | None:
    """The first of these fields that holds a number of things."""
    for name in names:
        value = source.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return value
    return None
