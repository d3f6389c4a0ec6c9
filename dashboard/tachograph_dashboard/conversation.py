"""Messages out of a span's prompt and completion: JSON of GenAI messages, or plain text.

What is not understood is shown as it came; nothing is dropped without a word.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
TEXT_TYPES = frozenset({"text", "input_text", "output_text", "refusal"})
MAX_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `role` is one of ROLES; `text` is captured content."""

    role: str
    text: str


def messages(content: str | None, default_role: str) -> list[Message]:
    """The turns of a prompt or completion; [] when there is none."""
    if not content:
        return []
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return [Message(default_role, content)]
    if isinstance(document, dict):
        document = document.get("messages", [document])
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        return [Message(default_role, content)]
    return [_message(item, default_role) for item in document]


def answer_text(completion: str | None) -> str:
    """The text that evaluators judged, whose characters a score's offsets count.

    Text parts only, joined by newlines; anything but messages is taken as it is.
    """
    if not completion or completion.lstrip()[:1] not in ("[", "{"):
        return completion or ""
    try:
        document = json.loads(completion)
    except (ValueError, RecursionError):
        return completion
    items = document if isinstance(document, list) else [document]
    if not items or not all(
        isinstance(i, dict) and ("parts" in i or "content" in i) for i in items
    ):
        return completion
    return "\n".join(text for item in items for text in _texts(item))


def _texts(item: dict[str, Any]) -> Iterator[str]:
    parts = item.get("parts", item.get("content"))
    for part in [parts] if isinstance(parts, str) else parts if isinstance(parts, list) else ():
        text = part if isinstance(part, str) else _text_of(part)
        if text is not None:
            yield text


def _text_of(part: object) -> str | None:
    """The text of a text part, None for any other part."""
    if not isinstance(part, dict) or part.get("type", "text") not in TEXT_TYPES:
        return None
    text = part.get("content", part.get("text"))
    return text if isinstance(text, str) else None


def _message(item: dict[str, Any], default_role: str) -> Message:
    role = item.get("role")
    known = role if isinstance(role, str) and role in ROLES else default_role
    parts = item.get("parts", item.get("content"))
    if isinstance(parts, str):
        texts = [parts]
    elif isinstance(parts, list):
        texts = [_part(part) for part in parts]
    elif parts is None:
        texts = []
    else:
        texts = [_json(parts)]
    calls = item.get("tool_calls")
    if isinstance(calls, list):
        texts += [_json(call) for call in calls]
    return Message(known, "\n".join(text for text in texts if text))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = _text_of(part)
    return _json(part) if text is None else text


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def marked(text: str, offsets: Sequence[tuple[int, int, str]]) -> list[tuple[str, str]]:
    """The text cut at the offsets: (piece, labels), labels '' where nothing offends.

    Offsets outside the text are clipped, overlapping ones share their pieces.
    """
    spans = sorted(
        (max(0, start), min(len(text), stop), label)
        for start, stop, label in offsets
        if start < min(stop, len(text))
    )
    edges = sorted({0, len(text), *(edge for start, stop, _ in spans for edge in (start, stop))})
    pieces = []
    for start, stop in itertools.pairwise(edges):
        labels = dict.fromkeys(label for low, high, label in spans if low <= start and stop <= high)
        pieces.append((text[start:stop], ", ".join(labels)))
    return pieces
