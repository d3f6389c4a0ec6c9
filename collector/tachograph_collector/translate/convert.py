"""Named converters of the dialect tables: a foreign value to what a column holds, or None.

None means that the column cannot say it; the attribute then stays in the map as it came.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import orjson

from tachograph_collector.translate.values import (
    Value,
    as_count,
    as_identifier,
    as_money,
    as_text,
)

_MAX_KINDS = 64  # of tokens or of costs in one object
_OPERATIONS: Final[Mapping[str, str]] = {
    "completion": "text_completion",
    "completions": "text_completion",
    "embedding": "embeddings",
    "llm": "chat",
}
_CLASS = re.compile(r"<class '([^']+)'>")
_VLLM_ID = re.compile(
    r"(chatcmpl|cmpl|embd|pool|score|rerank|classify|resp|generate-tokens)[-_](.+)"
)
_VLLM_INDEX = re.compile(r"-[0-9]{1,4}$", re.ASCII)
_WITH_INDEX = frozenset({"cmpl", "embd", "pool", "score", "classify"})


def enumeration(values: Mapping[str, str]) -> Callable[[Value], str | None]:
    """A converter of listed values, whatever their case; others are None."""
    folded = {name.casefold(): value for name, value in values.items()}

    def convert(value: Value) -> str | None:
        return folded.get(value.casefold()) if isinstance(value, str) else None

    convert.__doc__ = "one of " + ", ".join(f"`{key}` → `{to}`" for key, to in values.items())
    return convert


def known_provider(aliases: Mapping[str, str]) -> Callable[[Value], str | None]:
    """A converter to `gen_ai.provider.name`: listed names are replaced, others stand."""

    def convert(value: Value) -> str | None:
        text = as_text(value)
        return None if text is None else aliases.get(text.casefold(), text)

    convert.__doc__ = "as it is; " + ", ".join(f"`{key}` → `{to}`" for key, to in aliases.items())
    return convert


def as_operation(value: Value) -> str | None:
    """As it is; `completion` → `text_completion`, `embedding` → `embeddings`"""
    text = as_text(value)
    return None if text is None else _OPERATIONS.get(text, text)


def as_error_type(value: Value) -> str | None:
    """As it is; `<class 'x.Y'>` → `x.Y`"""
    text = as_text(value)
    match = None if text is None else _CLASS.fullmatch(text)
    return text if match is None else match[1]


def as_object(value: Value) -> dict[str, Value] | None:
    """A mapping, or the JSON text of one."""
    parsed = value
    if isinstance(value, str):
        if not value.startswith("{"):
            return None
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return parsed if isinstance(parsed, dict) else None


def as_counts(value: Value) -> dict[str, int] | None:
    """A JSON object of token counts; those in nested objects as `outer.inner`"""
    found = as_object(value)
    if not found:
        return None
    counts: dict[str, int] = {}
    for key, item in found.items():
        members = (
            {f"{key}.{inner}": count for inner, count in item.items()}
            if isinstance(item, dict)
            else {key: item}
        )
        for name, member in members.items():
            count = as_count(member)
            if count is not None and len(counts) < _MAX_KINDS:
                counts[name] = count
    return counts or None


def as_total_cost(value: Value) -> Decimal | None:
    """`total` of a JSON object of amounts, else their sum"""
    found = as_object(value)
    if not found or len(found) > _MAX_KINDS:
        return None
    if "total" in found:
        return as_money(found["total"])
    amounts = [as_money(amount) for amount in found.values()]
    known = [amount for amount in amounts if amount is not None]
    return as_money(str(sum(known))) if known and len(known) == len(amounts) else None


def as_written_time(value: Value) -> int | None:
    """ISO 8601, plain or as a JSON string; ns since the epoch"""
    text = as_json_text(value)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        whole_s = int(moment.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError):
        return None
    return whole_s * 1_000_000_000 + moment.microsecond * 1000


def as_json_text(value: Value) -> str | None:
    """A string, plain or as a JSON string"""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return as_identifier(value)


def as_json_texts(value: Value) -> list[str] | None:
    """One string, plain or as a JSON string"""
    text = as_json_text(value)
    return None if text is None else [text]


def as_vllm_request_id(value: Value) -> str | None:
    """`chatcmpl-ID`, `cmpl-ID-0`, … → `ID`, the `X-Request-Id` that vLLM was sent"""
    text = as_text(value)
    match = None if text is None else _VLLM_ID.fullmatch(text)
    if match is None:
        return text
    return _VLLM_INDEX.sub("", match[2]) if match[1] in _WITH_INDEX else match[2]
