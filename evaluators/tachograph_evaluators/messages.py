"""Plain text out of recorded messages.

`spans.prompt` and `spans.completion` hold the JSON of `gen_ai.input.messages` and
`gen_ai.output.messages`, or plain text. Offsets of scores count characters of `answer_text`.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

_TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text", "refusal"})


def answer_text(completion: str | None) -> str | None:
    """The text of all output messages, one after the other, joined by newlines."""
    return _joined(completion)


def conversation_text(prompt: str | None) -> str | None:
    """Everything that was sent, joined by newlines."""
    return _joined(prompt)


def question_text(prompt: str | None) -> str | None:
    """The last message of the user; of plain text all of it."""
    messages = _messages(prompt)
    if messages is None:
        return prompt
    users = [message for message in messages if message.get("role") in ("user", "human")]
    return "\n".join(_texts(users[-1])) if users else _joined(prompt)


def _joined(recorded: str | None) -> str | None:
    messages = _messages(recorded)
    if messages is None:
        return recorded
    return "\n".join(text for message in messages for text in _texts(message))


def _messages(recorded: str | None) -> list[dict[str, Any]] | None:
    """The messages, or None when the record is plain text (or JSON that was cut)."""
    if recorded is None or recorded.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        parsed = json.loads(recorded)
    except (ValueError, RecursionError):
        return None
    messages = parsed if isinstance(parsed, list) else [parsed]
    if messages and all(isinstance(m, dict) and ("parts" in m or "content" in m) for m in messages):
        return messages
    return None


def _texts(message: dict[str, Any]) -> Iterator[str]:
    """Text parts in order: GenAI `parts`, and the older `content` as string or list."""
    parts = message.get("parts", message.get("content"))
    if isinstance(parts, str):
        yield parts
    elif isinstance(parts, list):
        for part in parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, dict) and part.get("type", "text") in _TEXT_TYPES:
                text = part.get("content", part.get("text"))
                if isinstance(text, str):
                    yield text
