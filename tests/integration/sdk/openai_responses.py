"""What OpenAI's Responses API answers, for `openai_server`; bodies as its reference shows them."""

from collections.abc import Iterator
from typing import Any

USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 16,
}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Light scatters."}],
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"city":"Bern"}',
    "status": "completed",
}


def message(text: str) -> dict[str, Any]:
    """The output item of an answer in words."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def response(request: dict[str, Any], text: str, tool_call: bool) -> dict[str, Any]:
    """A whole answer; cut short where the request allows one token only."""
    is_cut = request.get("max_output_tokens") == 1
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "error": None,
        "model": f"{request['model']}-0613",
        "output": [CALL] if tool_call else [REASONING, message(text)],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": request.get("tools", []),
        "usage": USAGE,
    }


def events(request: dict[str, Any], words: list[str], tool_call: bool) -> Iterator[dict[str, Any]]:
    """A streamed answer, event by event."""
    whole = response(request, "".join(words), tool_call)
    begun: dict[str, Any] = {**whole, "status": "in_progress", "output": [], "usage": None}
    sent: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    if tool_call:
        place: dict[str, Any] = {"output_index": 0, "item_id": "fc_1"}
        opened: dict[str, Any] = {**CALL, "arguments": "", "status": "in_progress"}
        sent.append({"type": "response.output_item.added", "output_index": 0, "item": opened})
        sent += [
            {"type": "response.function_call_arguments.delta", **place, "delta": piece}
            for piece in ('{"city"', ':"Bern"}')
        ]
        sent.append({"type": "response.output_item.done", "output_index": 0, "item": CALL})
    else:
        place = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
        part = {"type": "output_text", "text": "", "annotations": []}
        opened = {**message(""), "content": [], "status": "in_progress"}
        sent.append({"type": "response.output_item.added", "output_index": 0, "item": opened})
        sent.append({"type": "response.content_part.added", **place, "part": part})
        sent += [
            {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
            for word in words
        ]
    sent.append({"type": "response.completed", "response": whole})
    for number, event in enumerate(sent):
        yield {**event, "sequence_number": number}
