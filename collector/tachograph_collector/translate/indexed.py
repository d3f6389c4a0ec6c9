"""Lists spread over attributes (`prefix.0.role`, `prefix.0.content`, …), gathered again."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from tachograph_collector.translate.shapes import message_of
from tachograph_collector.translate.values import Value, text_of

_INDEXED = re.compile(r"([0-9]{1,4})\.(.{1,200})", re.ASCII | re.DOTALL)
_INDEX = re.compile(r"[0-9]{1,4}", re.ASCII)
_MAX_DEPTH: Final = 12
_WRAPPERS: Final = frozenset(
    {
        "message",
        "message_content",
        "tool_call",
        "document",
        "embedding",
        "prompt",
        "completion",
        "annotation",
        "evaluation",
    }
)
"""What OpenInference puts between an index and a field: `0.message.role` is `0.role`."""

Gathered = tuple[str | None, Mapping[str, Value]]


def indexed_messages(fields: Mapping[str, Value]) -> Gathered:
    """JSON of messages in the shape of `gen_ai.input.messages`"""
    items, rest = gather(fields)
    if not items:
        return None, rest
    return orjson.dumps([message_of(items[index]) for index in sorted(items)]).decode(), rest


def indexed_texts(role: str) -> Callable[[Mapping[str, Value]], Gathered]:
    """A converter of `N.….text` to messages of one role with a part for each text."""

    def convert(fields: Mapping[str, Value]) -> Gathered:
        return _texts_of(role, fields)

    convert.__doc__ = f"JSON of a message of role `{role}` with the texts; other fields stay"
    return convert


def _texts_of(role: str, fields: Mapping[str, Value]) -> Gathered:
    texts, rest = _members(fields, "text")
    if not texts:
        return None, rest
    parts = [{"type": "text", "content": texts[index]} for index in sorted(texts)]
    return orjson.dumps([{"role": role, "parts": parts}]).decode(), rest


def indexed_documents(fields: Mapping[str, Value]) -> Gathered:
    """Plain text of the documents' contents; their ids, scores and metadata stay"""
    texts, rest = _members(fields, "content")
    if not texts:
        return None, rest
    return "\n\n".join(texts[index] for index in sorted(texts)), rest


def _members(fields: Mapping[str, Value], name: str) -> tuple[dict[int, str], Mapping[str, Value]]:
    """The field of that name of each item, and all others."""
    found: dict[int, str] = {}
    rest: dict[str, Value] = {}
    for suffix, value in fields.items():
        index, path = _path(suffix)
        if index is not None and path == [name] and index not in found:
            found[index] = text_of(value)
        else:
            rest[suffix] = value
    return found, rest


def gather(fields: Mapping[str, Value]) -> tuple[dict[int, dict[str, Value]], Mapping[str, Value]]:
    """The items by index, nested as their names say, and fields that name no item."""
    trees: dict[int, dict[str, Value]] = {}
    rest: dict[str, Value] = {}
    for suffix, value in fields.items():
        index, path = _path(suffix)
        if index is None:
            rest[suffix] = value
        else:
            _put(trees.setdefault(index, {}), path, value)
    return {index: _with_lists(tree) for index, tree in trees.items()}, rest


def _path(suffix: str) -> tuple[int | None, list[str]]:
    match = _INDEXED.fullmatch(suffix)
    if match is None:
        return None, []
    names = match[2].split(".", _MAX_DEPTH)
    path = [
        name
        for place, name in enumerate(names)
        if not (
            name in _WRAPPERS
            and place + 1 < len(names)
            and (place == 0 or _INDEX.fullmatch(names[place - 1]))
        )
    ]
    return int(match[1]), path


def _put(tree: dict[str, Value], path: list[str], value: Value) -> None:
    node = tree
    for depth, name in enumerate(path[:-1]):
        child = node.setdefault(name, {})
        if not isinstance(child, dict):  # a value and fields below it: both are kept
            node[".".join(path[depth:])] = value
            return
        node = child
    last = path[-1]
    if isinstance(node.get(last), dict) and node[last]:
        node[f"{last}."] = value
    else:
        node[last] = value


def _with_lists(tree: dict[str, Value]) -> dict[str, Value]:
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    if value and all(_INDEX.fullmatch(name) for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return _with_lists(value)
