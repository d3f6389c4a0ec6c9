"""JSON within a number of bytes, cut inside its texts so that it stays JSON."""

import json
from collections.abc import Callable
from typing import Any

from tachograph._internal.truncate import truncated, well_formed

_ROUNDS = 4
_SMALLEST_TEXT_BYTES = 64


def map_texts(value: object, change: Callable[[str], str]) -> object:
    """A copy of JSON data with every text value (not the keys) changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: map_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [map_texts(item, change) for item in value]
    return value


def fitted_json(value: object, max_bytes: int) -> tuple[str, bool]:
    """`value` as JSON of at most `max_bytes` bytes, and whether something was cut.

    The longest texts are cut first, each with a visible marker. A list that is still too long
    loses items from its middle: the first (the instructions) and the last (the question) stay.
    Only what no cut can make fit ends as a cut text that is no longer JSON.
    """
    text = _dump(value)
    if _size(text) <= max_bytes:
        return text, False
    for _ in range(_ROUNDS):
        ceiling = _text_ceiling(value, _size(text) - max_bytes)
        value = map_texts(value, lambda item, c=ceiling: truncated(item, c)[0])  # type: ignore[misc]
        text = _dump(value)
        if _size(text) <= max_bytes:
            return text, True
        if ceiling <= _SMALLEST_TEXT_BYTES:
            break
    if isinstance(value, list):
        text = _dump(_without_middle(value, max_bytes))
    return truncated(text, max_bytes)[0], True


def _text_ceiling(value: object, excess: int) -> int:
    """The length to which the longest texts must be cut to save `excess` bytes."""
    lengths: list[int] = []

    def note(text: str) -> str:
        lengths.append(len(text.encode(errors="replace")))
        return text

    map_texts(value, note)
    lengths.sort(reverse=True)
    saved = 0
    for position, length in enumerate(lengths):
        following = lengths[position + 1] if position + 1 < len(lengths) else 0
        count = position + 1
        if saved + (length - following) * count >= excess:
            return max(_SMALLEST_TEXT_BYTES, length - -(-(excess - saved) // count))
        saved += (length - following) * count
    return _SMALLEST_TEXT_BYTES


def _without_middle(items: list[Any], max_bytes: int) -> list[Any]:
    sizes = [_size(_dump(item)) + 2 for item in items]
    room = max_bytes - 100
    head, tail = 0, len(items)
    while head < tail:
        # Turns go to the end twice as often: the latest messages matter most.
        takes_head = head * 2 <= len(items) - tail
        size = sizes[head] if takes_head else sizes[tail - 1]
        if size > room:
            break
        room -= size
        head, tail = (head + 1, tail) if takes_head else (head, tail - 1)
    note = {"role": "system", "parts": [{"type": "text", "content": f"[truncated {tail - head}]"}]}
    return [*items[:head], note, *items[tail:]]


def _dump(value: object) -> str:
    return well_formed(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _size(text: str) -> int:
    return len(text.encode())
