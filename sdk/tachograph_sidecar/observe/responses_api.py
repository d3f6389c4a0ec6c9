"""OpenAI's Responses API: its items read as messages, its events as one answer.

Source: the API reference of `POST /v1/responses` and of its streaming events; llama.cpp's server
and `transformers serve` speak it too, with fewer fields.
"""

from collections.abc import Mapping

from tachograph._internal.messages import Message, to_messages
from tachograph_sidecar.engines import facts_of
from tachograph_sidecar.observe.answer import MAX_CHOICES, Answer

_DELTAS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
}
_ENDED = ("response.completed", "response.incomplete", "response.failed")
_CUT_REASONS = {"max_output_tokens": "length"}


def responses_input(request: Mapping[str, object]) -> list[Message]:
    """Instructions and input items as messages; items of unknown types are left out."""
    instructions = request.get("instructions")
    found = to_messages(instructions, role="system") if isinstance(instructions, str) else []
    said = request.get("input")
    if isinstance(said, str):
        return found + to_messages(said)
    for item in _tables(said):
        message = _input_message(item)
        if message is not None:
            found += to_messages([message])
    return found


def _input_message(item: Mapping[str, object]) -> Mapping[str, object] | None:
    kind = item.get("type")
    if kind == "function_call":
        return {"role": "assistant", "tool_calls": [_called(item)]}
    if kind == "function_call_output":
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
    return item if kind in (None, "message") and "role" in item else None


def _called(item: Mapping[str, object]) -> dict[str, object]:
    return {
        "id": item.get("call_id"),
        "function": {"name": item.get("name"), "arguments": item.get("arguments")},
    }


class ResponsesAnswer(Answer):
    """The answer of one response, whole or event by event: one choice, whatever its items."""

    def __init__(self, *, keeps_text: bool, text_limit: int) -> None:
        super().__init__(keeps_text=keeps_text, text_limit=text_limit)
        self._has_streamed = False
        self._calls: dict[str, int] = {}  # item id -> place among the tool calls

    def add(self, chunk: Mapping[str, object]) -> bool:
        """Take one event, or the response object itself; True when it carries output."""
        kind = chunk.get("type")
        if kind == "error":
            self._read_error({"type": chunk.get("code")})
            return False
        if not isinstance(kind, str):
            return self._add_response(chunk)
        part = _DELTAS.get(kind)
        if part is not None:
            choice = self._choice(0)
            has_output = self._say(
                choice.text if part == "text" else choice.reasoning, chunk.get("delta")
            )
            self._has_streamed = self._has_streamed or has_output
            return has_output
        if kind == "response.output_item.added":
            return self._begin_call(chunk.get("item"))
        if kind == "response.function_call_arguments.delta":
            place = self._calls.get(str(chunk.get("item_id")))
            call = {"index": place, "function": {"arguments": chunk.get("delta")}}
            self._add_tool_calls(self._choice(0), [call])
            return isinstance(chunk.get("delta"), str)
        response = chunk.get("response")
        if kind in _ENDED and isinstance(response, Mapping):
            self.engine.update(facts_of(chunk))  # llama.cpp's timings lie beside the response
            self._add_response(response)
        return False

    def _begin_call(self, item: object) -> bool:
        """A function call whose arguments follow; other items say nothing yet."""
        if not isinstance(item, Mapping) or item.get("type") != "function_call":
            return False
        place = len(self._calls)
        if place < MAX_CHOICES:
            self._calls[str(item.get("id"))] = place
            call = {**_called(item), "index": place}
            self._add_tool_calls(self._choice(0), [call])
        self._has_streamed = True
        return True

    def _add_response(self, response: Mapping[str, object]) -> bool:
        """The response object: model, id, usage, why it ended, and the output if none was heard."""
        model, response_id = response.get("model"), response.get("id")
        if isinstance(model, str) and model:
            self.model = model[:512]
        if isinstance(response_id, str) and response_id:
            self.response_id = response_id[:256]
        self._read_error(response.get("error"))
        self._read_usage(response.get("usage"))
        self.engine.update(facts_of(response))
        items = _tables(response.get("output"))
        has_output = self._has_streamed
        if not has_output:
            for item in items:
                has_output = self._add_item(item) or has_output
        reason = self._end_reason(response, items)
        if reason is not None:
            self._choice(0).finish_reason = reason
        return has_output

    def _add_item(self, item: Mapping[str, object]) -> bool:
        kind = item.get("type")
        if kind == "function_call":
            return self._begin_call(item)
        choice = self._choice(0)
        target = choice.reasoning if kind == "reasoning" else choice.text
        said = False
        for field in ("summary", "content"):
            for part in _tables(item.get(field)):
                said = self._say(target, part.get("text", part.get("refusal"))) or said
        return said

    @staticmethod
    def _end_reason(
        response: Mapping[str, object], items: list[Mapping[str, object]]
    ) -> str | None:
        """In the words of chat completions, so that both count as one reason."""
        status = response.get("status")
        if status == "completed":
            has_calls = any(item.get("type") == "function_call" for item in items)
            return "tool_calls" if has_calls else "stop"
        if status == "incomplete":
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, Mapping) else None
            return _CUT_REASONS.get(str(reason), str(reason)[:64]) if reason else "length"
        return "error" if status in ("failed", "cancelled") else None


def _tables(value: object) -> list[Mapping[str, object]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
