"""Chat messages in OpenTelemetry's shape: `{"role", "parts": [{"type", …}]}`.

Takes what applications hold: plain texts, OpenAI messages (dicts or the client's objects) and
messages that have the shape already.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tachograph._internal.jsonable import to_jsonable

Message: TypeAlias = dict[str, Any]


def to_messages(value: object, *, role: str = "user") -> list[Message]:
    """One message or several, whatever their shape. A plain text is a message of `role`."""
    if value is None:
        return []
    if isinstance(value, str):
        return [{"role": role, "parts": [_text_part(value)]}]
    return plain_messages(to_jsonable(value), role=role)


def plain_messages(plain: object, *, role: str) -> list[Message]:
    """The same of JSON data."""
    if isinstance(plain, list):
        return [message for item in plain for message in _one(item, role)]
    return _one(plain, role)


def _one(value: object, role: str) -> list[Message]:
    if not isinstance(value, Mapping):
        return [
            {"role": role, "parts": [_text_part(value if isinstance(value, str) else str(value))]}
        ]
    item = _response_item(value)
    if item is not None:
        return [item]
    own_role = value.get("role")
    message: Message = {"role": own_role if isinstance(own_role, str) else role}
    if isinstance(value.get("name"), str):
        message["name"] = value["name"]
    if isinstance(value.get("parts"), list):
        message["parts"] = value["parts"]
    else:
        message["parts"] = _parts(value)
    if isinstance(value.get("finish_reason"), str):
        message["finish_reason"] = value["finish_reason"]
    return [message]


def _response_item(item: Mapping[str, Any]) -> Message | None:
    """Items of the Responses API that are no messages: calls of tools, their results, reasoning."""
    kind = item.get("type")
    if kind in ("function_call", "custom_tool_call"):
        return {
            "role": "assistant",
            "parts": [
                {
                    "type": "tool_call",
                    "id": item.get("call_id"),
                    "name": item.get("name"),
                    "arguments": item.get("arguments", item.get("input")),
                }
            ],
        }
    if kind in ("function_call_output", "custom_tool_call_output"):
        result = {
            "type": "tool_call_response",
            "id": item.get("call_id"),
            "response": _joined(item.get("output")),
        }
        return {"role": "tool", "parts": [result]}
    if kind == "reasoning" and "role" not in item:
        said = [*_list(item.get("summary")), *_list(item.get("content"))]
        content = "".join(str(part.get("text", "")) for part in said if isinstance(part, Mapping))
        return {"role": "assistant", "parts": [{"type": "reasoning", "content": content}]}
    return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _parts(message: Mapping[str, Any]) -> list[Message]:
    content = message.get("content")
    if message.get("role") == "tool":
        return [
            {
                "type": "tool_call_response",
                "id": message.get("tool_call_id"),
                "response": _joined(content),
            }
        ]
    parts: list[Message] = []
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str):
        parts.append({"type": "reasoning", "content": reasoning})
    if isinstance(content, str):
        parts.append(_text_part(content))
    elif isinstance(content, list):
        parts += [_content_part(part) for part in content]
    elif content is not None:
        parts.append(_text_part(str(content)))
    refusal = message.get("refusal")
    if isinstance(refusal, str):
        parts.append({"type": "refusal", "content": refusal})
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        parts += [_tool_call_part(call) for call in calls if isinstance(call, Mapping)]
    return parts


def _content_part(part: object) -> Message:
    if isinstance(part, str):
        return _text_part(part)
    if not isinstance(part, Mapping):
        return _text_part(str(part))
    kind = part.get("type")
    if kind in ("text", "input_text", "output_text"):
        return _text_part(str(part.get("text", part.get("content", ""))))
    if kind in ("image_url", "input_image"):
        source = part.get("image_url")
        return _uri_part("image", source.get("url") if isinstance(source, Mapping) else source)
    if kind == "input_audio":
        audio = part.get("input_audio")
        data = audio.get("data", "") if isinstance(audio, Mapping) else ""
        return {"type": "blob", "modality": "audio", "omitted_characters": len(str(data))}
    return dict(part)


def _uri_part(modality: str, uri: object) -> Message:
    address = str(uri or "")
    if address.startswith("data:"):
        # The bytes of a picture help nobody who reads a trace and cost megabytes: their size does.
        kind = address[5:].partition(";")[0][:100]
        return {
            "type": "blob",
            "modality": modality,
            "mime_type": kind,
            "omitted_characters": len(address),
        }
    return {"type": "uri", "modality": modality, "uri": address}


def _tool_call_part(call: Mapping[str, Any]) -> Message:
    function = call.get("function")
    if not isinstance(function, Mapping):
        function = call
    return {
        "type": "tool_call",
        "id": call.get("id"),
        "name": function.get("name"),
        "arguments": function.get("arguments"),
    }


def _joined(content: object) -> object:
    if isinstance(content, list):
        return "".join(str(_content_part(part).get("content", "")) for part in content)
    return content


def _text_part(content: str) -> Message:
    return {"type": "text", "content": content}


def texts(messages: Sequence[Message]) -> list[str]:
    """The text contents of messages, in order."""
    return [
        part["content"]
        for message in messages
        for part in message["parts"]
        if isinstance(part, Mapping) and isinstance(part.get("content"), str)
    ]
