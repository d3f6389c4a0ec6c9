"""Anthropic's Messages API: its content blocks read as messages, its events as one answer.

Source: the API reference of `POST /v1/messages` and of its streaming events. vLLM and llama.cpp's
server speak it too.
"""

import json
from collections.abc import Mapping
from typing import Final

from tachograph._internal.messages import Message, to_messages
from tachograph_sidecar.engines import facts_of
from tachograph_sidecar.observe.answer import MAX_CHOICES, Answer, count

_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""In the words of chat completions, so that both count as one reason."""

_INPUT_PARTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def messages_input(request: Mapping[str, object]) -> list[Message]:
    """System prompt and messages; each result of a tool is a message of its own."""
    system = _text_of(request.get("system"))
    found = to_messages(system, role="system") if system else []
    for message in _tables(request.get("messages")):
        role = message.get("role")
        name = role if isinstance(role, str) else "user"
        content = message.get("content")
        if isinstance(content, str):
            found += to_messages(content, role=name)
            continue
        blocks = _tables(content)
        found += [_result(block) for block in blocks if block.get("type") == "tool_result"]
        parts = [_part(block) for block in blocks if block.get("type") != "tool_result"]
        if parts:
            found.append({"role": name, "parts": parts})
    return found


def _part(block: Mapping[str, object]) -> Message:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "content": str(block.get("text", ""))}
    if kind == "thinking":
        return {"type": "reasoning", "content": str(block.get("thinking", ""))}
    if kind == "tool_use":
        return {
            "type": "tool_call",
            "id": block.get("id"),
            "name": block.get("name"),
            "arguments": block.get("input"),
        }
    source = block.get("source")
    if isinstance(source, Mapping):  # an image or a document: its size helps, its bytes do not
        if source.get("type") == "url":
            return {"type": "uri", "modality": str(kind), "uri": str(source.get("url"))}
        return {
            "type": "blob",
            "modality": str(kind),
            "mime_type": str(source.get("media_type"))[:100],
            "omitted_characters": len(str(source.get("data", ""))),
        }
    return {"type": str(kind)}


def _result(block: Mapping[str, object]) -> Message:
    part = {
        "type": "tool_call_response",
        "id": block.get("tool_use_id"),
        "response": _text_of(block.get("content")),
    }
    return {"role": "tool", "parts": [part]}


def _text_of(content: object) -> str:
    """A text, or the texts of blocks one after the other."""
    if isinstance(content, str):
        return content
    return "".join(str(block.get("text", "")) for block in _tables(content))


class MessagesAnswer(Answer):
    """One message, whole or event by event: one choice, whatever its blocks."""

    def __init__(self, *, keeps_text: bool, text_limit: int) -> None:
        super().__init__(keeps_text=keeps_text, text_limit=text_limit)
        self._input: dict[str, int] = {}
        self._calls: dict[object, int] = {}  # index of a block -> place among the tool calls

    def add(self, chunk: Mapping[str, object]) -> bool:
        """Take one event, or the message itself; True when it carries output."""
        kind = chunk.get("type")
        if kind == "message_start":
            message = chunk.get("message")
            return self._add_message(message, begins=True) if isinstance(message, dict) else False
        if kind == "content_block_start":
            return self._add_block(chunk.get("index"), chunk.get("content_block"))
        if kind == "content_block_delta":
            return self._add_delta(chunk.get("index"), chunk.get("delta"))
        if kind == "message_delta":
            delta = chunk.get("delta")
            self._end(delta.get("stop_reason") if isinstance(delta, dict) else None)
            self._read_usage(chunk.get("usage"))
            self.engine.update(facts_of(chunk))
            return False
        return self._add_message(chunk, begins=False)

    def _add_message(self, message: Mapping[str, object], *, begins: bool) -> bool:
        model, response_id = message.get("model"), message.get("id")
        if isinstance(model, str) and model:
            self.model = model[:512]
        if isinstance(response_id, str) and response_id:
            self.response_id = response_id[:256]
        self._read_error(message.get("error"))
        self.engine.update(facts_of(message))
        usage = message.get("usage")
        if begins and isinstance(usage, dict):  # nothing was made yet: the end says how much was
            usage = {name: value for name, value in usage.items() if name != "output_tokens"}
        self._read_usage(usage)
        has_output = False
        for index, block in enumerate(_tables(message.get("content"))):
            has_output = self._add_block(index, block) or has_output
        self._end(message.get("stop_reason"))
        return has_output

    def _add_block(self, index: object, block: object) -> bool:
        if not isinstance(block, Mapping):
            return False
        choice, kind = self._choice(0), block.get("type")
        if kind == "tool_use":
            place = len(self._calls)
            if place >= MAX_CHOICES or not isinstance(index, int):
                return True
            self._calls[index] = place
            function: dict[str, object] = {"name": block.get("name")}
            if block.get("input"):  # of a stream empty: its pieces follow
                function["arguments"] = json.dumps(block["input"])
            call = {"index": place, "id": block.get("id"), "function": function}
            self._add_tool_calls(choice, [call])
            return True
        if kind == "thinking":
            return self._say(choice.reasoning, block.get("thinking"))
        return self._say(choice.text, block.get("text"))

    def _add_delta(self, index: object, delta: object) -> bool:
        if not isinstance(delta, Mapping):
            return False
        choice = self._choice(0)
        if "partial_json" in delta:
            arguments = delta["partial_json"]
            place = self._calls.get(index) if isinstance(index, int) else None
            self._add_tool_calls(choice, [{"index": place, "function": {"arguments": arguments}}])
            return bool(arguments)
        has_text = self._say(choice.text, delta.get("text"))
        return self._say(choice.reasoning, delta.get("thinking")) or has_text

    def _end(self, reason: object) -> None:
        if isinstance(reason, str):
            self._choice(0).finish_reason = _REASONS.get(reason, reason[:64])

    def _read_usage(self, usage: object) -> None:
        """`input_tokens` leaves out what was read from or written to the cache: added here."""
        if not isinstance(usage, Mapping):
            return
        for name in _INPUT_PARTS:
            value = count(usage, name)
            if value is not None:
                self._input[name] = value
        kept, output_tokens = self.usage, count(usage, "output_tokens")
        if "input_tokens" in self._input:
            kept.input_tokens = sum(self._input.values())
        kept.cache_read_tokens = self._input.get("cache_read_input_tokens")
        kept.cache_write_tokens = self._input.get("cache_creation_input_tokens")
        kept.output_tokens = kept.output_tokens if output_tokens is None else output_tokens


def _tables(value: object) -> list[Mapping[str, object]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
