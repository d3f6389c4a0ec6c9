"""Messages as the OTel GenAI conventions write them: role and typed parts, as one JSON string."""

import json
from collections.abc import Iterable, Mapping, Sequence

Message = dict[str, object]


def input_messages(request: Mapping[str, object]) -> list[Message]:
    """The messages of a chat request, or the prompt (OpenAI, Ollama, llama.cpp) as user text."""
    messages = request.get("messages")
    if isinstance(messages, list):
        return [_message(item) for item in messages if isinstance(item, dict)]
    found: list[Message] = []
    system = request.get("system")
    if isinstance(system, str) and system:
        found.append({"role": "system", "parts": [_text(system)]})
    for prompt in _prompts(request):
        found.append({"role": "user", "parts": [_text(prompt)]})
    return found


def output_message(
    text: str, reasoning: str, tool_calls: Iterable[Mapping[str, object]], finish_reason: str | None
) -> Message:
    """One choice of an answer."""
    parts: list[dict[str, object]] = []
    if reasoning:
        parts.append({"type": "reasoning", "content": reasoning})
    if text:
        parts.append(_text(text))
    parts.extend(_tool_call(call) for call in tool_calls)
    message: Message = {"role": "assistant", "parts": parts}
    if finish_reason is not None:
        message["finish_reason"] = finish_reason
    return message


def fit(messages: Sequence[Message], limit_chars: int) -> tuple[str, bool]:
    """The messages as JSON with at most about `limit_chars` of content, and whether any was cut.

    The newest content is kept first: an answer is judged against the last question.
    """
    left = limit_chars
    was_cut = False
    kept: list[Message] = []
    for message in reversed(messages):
        parts = message.get("parts")
        fitted: list[object] = []
        for part in reversed(parts if isinstance(parts, list) else []):
            for field in ("content", "arguments", "response"):
                value = part.get(field)
                if not isinstance(value, str):
                    continue
                if len(value) > left:
                    part = {**part, field: value[:left]}
                    was_cut = True
                left -= min(left, len(value))
            fitted.append(part)
        kept.append({**message, "parts": fitted[::-1]})
    return json.dumps(kept[::-1], ensure_ascii=False, separators=(",", ":")), was_cut


def _prompts(request: Mapping[str, object]) -> list[str]:
    for field in ("prompt", "input"):
        value = request.get(field)
        if isinstance(value, str):
            return [value]
        if isinstance(value, list):
            return [item for item in value if isinstance(item, str)]
    return []


def _message(item: Mapping[str, object]) -> Message:
    role = item.get("role")
    parts: list[dict[str, object]] = []
    content = item.get("content")
    if role == "tool":
        response = content if isinstance(content, str) else json.dumps(content)
        parts.append(
            {"type": "tool_call_response", "id": item.get("tool_call_id"), "response": response}
        )
    elif isinstance(content, str):
        parts.append(_text(content))
    elif isinstance(content, list):
        parts.extend(_content_part(part) for part in content if isinstance(part, dict))
    calls = item.get("tool_calls")
    if isinstance(calls, list):
        parts.extend(_tool_call(call) for call in calls if isinstance(call, dict))
    return {"role": role if isinstance(role, str) else "user", "parts": parts}


def _content_part(part: Mapping[str, object]) -> dict[str, object]:
    text = part.get("text")
    if isinstance(text, str):
        return _text(text)
    kind = str(part.get("type", "unknown"))
    link = part.get("image_url")
    url = link.get("url") if isinstance(link, dict) else link
    if isinstance(url, str) and not url.startswith("data:"):
        # a query may carry a signature that opens the file
        return {"type": "uri", "modality": "image", "uri": url.partition("?")[0]}
    return {"type": "blob", "modality": kind.partition("_")[0]}  # the bytes are not recorded


def _tool_call(call: Mapping[str, object]) -> dict[str, object]:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments")
    return {
        "type": "tool_call",
        "id": call.get("id"),
        "name": function.get("name"),
        "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
    }


def _text(content: str) -> dict[str, object]:
    return {"type": "text", "content": content}
