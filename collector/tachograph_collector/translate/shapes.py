"""Messages of other shapes to the one of `gen_ai.input.messages`: role, parts, finish_reason.

Understood are OpenAI's chat messages and what looks like them (OpenLLMetry's and OpenInference's
attributes once they are gathered, Langfuse's observations). What has no place in the shape stays
in the message under its own name.
"""

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from tachograph_collector.translate.values import Value, text_of

Message = dict[str, Value]
_JSON_STARTS: Final = ("{", "[")


def messages_text(value: Value) -> str:
    """JSON of the messages where `value` holds some, else its text.

    A list of messages, `{"messages": […]}`, one message, or an answer with `choices`.
    """
    parsed: Value = value
    if isinstance(value, str):
        if not value.startswith(_JSON_STARTS):
            return value
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    messages = _messages_in(parsed)
    if messages is None:
        return text_of(value)
    try:
        return orjson.dumps([message_of(message) for message in messages]).decode()
    except orjson.JSONEncodeError:  # nested deeper than can be written again
        return text_of(value)


def _messages_in(value: Value) -> list[Message] | None:
    if isinstance(value, dict):
        for member in ("messages", "choices"):
            if isinstance(value.get(member), list):
                return _messages_in(value[member])
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    messages: list[Message] = []
    for item in value:
        if isinstance(item, dict) and isinstance(item.get("message"), dict):
            item = _unwrapped(item)
        if not isinstance(item, dict) or not isinstance(item.get("role"), str):
            return None
        messages.append(item)
    return messages


def _unwrapped(choice: Message) -> Message:
    message = choice["message"]
    assert isinstance(message, dict)
    rest = {key: value for key, value in choice.items() if key not in ("message", "index")}
    return {**message, **rest}


def message_of(raw: Mapping[str, Value]) -> Message:
    """One message in the shape of `gen_ai.input.messages`; one that has it already is as it was."""
    if isinstance(raw.get("parts"), list):
        return dict(raw)
    rest = dict(raw)
    message: Message = {}
    if "role" in rest:
        message["role"] = rest.pop("role")
    parts: list[Value] = []
    answered = rest.pop("tool_call_id", None)
    for name in ("reasoning_content", "content", "contents"):
        if name in rest:
            parts.extend(_content_parts(name, rest.pop(name)))
    if answered is not None:
        response: Value = parts[0] if len(parts) == 1 else list(parts)
        if isinstance(response, dict) and response.get("type") == "text":
            response = response.get("content")
        parts = [{"type": "tool_call_response", "id": answered, "response": response}]
    calls = rest.pop("tool_calls", None)
    if isinstance(calls, list):
        parts.extend(_tool_call(call) for call in calls)
    elif calls is not None:
        rest["tool_calls"] = calls
    if isinstance(rest.get("function_call"), dict):
        parts.append(_tool_call(rest.pop("function_call")))
    if parts:
        message["parts"] = parts
    reason = rest.pop("finish_reason", None)
    if reason is not None:
        message["finish_reason"] = reason
    message.update({key: value for key, value in rest.items() if value is not None})
    return message


def _content_parts(name: str, content: Value) -> list[Value]:
    if content is None:
        return []
    kind = "reasoning" if name == "reasoning_content" else "text"
    if isinstance(content, str):
        parsed = _list_in(content) if kind == "text" else None
        if parsed is None:
            return [{"type": kind, "content": content}]
        content = parsed
    if isinstance(content, list):
        return [_part(item) for item in content]
    return [{"type": kind, "content": text_of(content)}]


def _list_in(text: str) -> list[Value] | None:
    """Content parts that were written as JSON text."""
    if not text.startswith('[{"'):
        return None
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if all(isinstance(item, dict) and isinstance(item.get("type"), str) for item in items):
        return list(items)
    return None


def _part(item: Value) -> Value:
    if isinstance(item, str):
        return {"type": "text", "content": item}
    if not isinstance(item, dict):
        return {"type": "text", "content": text_of(item)}
    read = _PARTS.get(str(item.get("type", "text")))
    return dict(item) if read is None else read(item)


def _text_part(item: Message) -> Value:
    return {"type": "text", "content": item["text"]} if "text" in item else dict(item)


def _image_part(item: Message) -> Value:
    image: Value = item.get("image_url", item.get("image"))
    while isinstance(image, dict):
        image = image.get("url", image.get("image"))
    if not isinstance(image, str):
        return dict(item)
    return {"type": "uri", "modality": "image", "uri": image}


_PARTS: Final[Mapping[str, Callable[[Message], Value]]] = {
    "text": _text_part,
    "input_text": _text_part,
    "output_text": _text_part,
    "image_url": _image_part,
    "image": _image_part,
}


def _tool_call(call: Value) -> Value:
    if not isinstance(call, dict):
        return {"type": "tool_call", "name": text_of(call)}
    rest = {key: value for key, value in call.items() if key not in ("type", "index")}
    function = rest.pop("function", None)
    if isinstance(function, dict):
        rest.update(function)
    if isinstance(rest.get("arguments"), str):
        rest["arguments"] = _arguments(str(rest["arguments"]))
    return {"type": "tool_call", **rest}


def _arguments(text: str) -> Value:
    try:
        parsed: Value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return parsed if isinstance(parsed, dict) else text
