"""Attributes of one span sorted into typed columns, content columns and the map."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tachograph.semconv import attributes as a
from tachograph_collector.translate.columns import (
    CONTENT_COLUMNS,
    INDEXED_MESSAGES,
    LONG_ATTRIBUTES,
    MAX_TYPED_LIST_ITEMS,
    MAX_TYPED_TEXT_BYTES,
    TYPED_COLUMNS,
)
from tachograph_collector.translate.limits import Limits
from tachograph_collector.translate.messages import (
    assemble_messages,
    cut_content,
    documents_text,
    is_indexed,
)
from tachograph_collector.translate.values import (
    MAX_READ_ATTRIBUTES,
    Value,
    as_texts,
    cut,
    python_values,
    text_of,
)

DROPPED_ATTRIBUTES = "otel.dropped_attributes_count"
"""Attribute of the row: how many attributes the sender and the collector left out."""

_MAX_KEY_BYTES = 256
_ALWAYS_READ = frozenset(
    {*TYPED_COLUMNS, *CONTENT_COLUMNS, a.COUNTED, a.TRUNCATED, a.USAGE_COST_CURRENCY}
)


@dataclass(slots=True)
class SpanFields:
    """What the attributes of a span say, ready for `SpanRow`."""

    columns: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    truncated: list[str] = field(default_factory=list)
    counted: Value = None
    cost_currency: str | None = None


def read_attributes(
    attributes: Collection[KeyValue], dropped_by_sender: int, limits: Limits
) -> SpanFields:
    """Sort attributes; typed columns always find room, the map is bounded."""
    values = python_values(attributes, _ALWAYS_READ)
    unread = len(attributes) - len(values) if len(attributes) > MAX_READ_ATTRIBUTES else 0
    fields = SpanFields()
    fields.counted = values.pop(a.COUNTED, None)
    fields.truncated = (as_texts(values.pop(a.TRUNCATED, None)) or [])[: limits.max_attributes]
    fields.cost_currency = _currency(values)
    rest = _take_typed(values, fields)
    rest = _take_content(rest, fields, limits)
    if unread:
        fields.truncated.append("attributes")
    _keep_rest(rest, dropped_by_sender + unread, fields, limits)
    return fields


def _currency(values: Mapping[str, Value]) -> str | None:
    currency = values.get(a.USAGE_COST_CURRENCY)
    return currency if isinstance(currency, str) else None


def _take_typed(values: Mapping[str, Value], fields: SpanFields) -> dict[str, Value]:
    rest: dict[str, Value] = {}
    best: dict[str, tuple[int, str, object]] = {}
    for key, value in values.items():
        column = TYPED_COLUMNS.get(key)
        if column is None:
            rest[key] = value
            continue
        converted = column.convert(value)
        if converted is None:
            rest[key] = value
            continue
        rival = best.get(column.name)
        if rival is None or column.rank < rival[0]:
            best[column.name] = (column.rank, key, converted)
        if rival is not None:
            loser = key if column.rank > rival[0] else rival[1]
            rest[loser] = values[loser]
    for name, (_, key, converted) in best.items():
        fields.columns[name] = _bounded(key, converted, fields)
    return rest


def _bounded(key: str, converted: object, fields: SpanFields) -> object:
    if isinstance(converted, str):
        text, was_cut = cut(converted, MAX_TYPED_TEXT_BYTES)
        if was_cut:
            fields.truncated.append(key)
        return text
    if isinstance(converted, list):
        return [cut(item, MAX_TYPED_TEXT_BYTES)[0] for item in converted[:MAX_TYPED_LIST_ITEMS]]
    return converted


def _take_content(
    values: Mapping[str, Value], fields: SpanFields, limits: Limits
) -> dict[str, Value]:
    rest: dict[str, Value] = {}
    best: dict[str, tuple[int, str, Value]] = {}
    indexed: dict[str, dict[str, Value]] = {}
    for key, value in values.items():
        target = CONTENT_COLUMNS.get(key)
        if target is not None:
            name, rank = target
            rival = best.get(name)
            if rival is None or rank < rival[0]:
                best[name] = (rank, key, value)
            if rival is not None:
                loser = key if rank > rival[0] else rival[1]
                rest[loser] = values[loser]
            continue
        prefix = next((p for p in INDEXED_MESSAGES if key.startswith(p)), None)
        if prefix is not None and is_indexed(key[len(prefix) :]):
            indexed.setdefault(prefix, {})[key[len(prefix) :]] = value
        else:
            rest[key] = value
    for name, (_, key, value) in best.items():
        text = documents_text(value) if key == a.RETRIEVAL_DOCUMENTS else text_of(value)
        _put_content(name, key, text, fields, limits)
    for prefix, message_fields in indexed.items():
        name = INDEXED_MESSAGES[prefix]
        if name in best:
            rest.update({prefix + suffix: value for suffix, value in message_fields.items()})
        else:
            text = assemble_messages(message_fields)
            _put_content(name, prefix.rstrip("."), text, fields, limits)
    return rest


def _put_content(name: str, key: str, text: str, fields: SpanFields, limits: Limits) -> None:
    text, was_cut = cut_content(text, limits.max_content_bytes)
    if was_cut:
        fields.truncated.append(key)
    fields.columns[name] = text


def _keep_rest(rest: Mapping[str, Value], dropped: int, fields: SpanFields, limits: Limits) -> None:
    for key, value in rest.items():
        if len(fields.attributes) == limits.max_attributes:
            dropped += len(rest) - limits.max_attributes
            fields.truncated.append("attributes")
            break
        is_long = key in LONG_ATTRIBUTES
        limit_bytes = limits.max_content_bytes if is_long else limits.max_attribute_bytes
        short_key = cut(key, _MAX_KEY_BYTES)[0]
        text, was_cut = cut(text_of(value), limit_bytes)
        if was_cut or short_key != key:
            fields.truncated.append(short_key)
        fields.attributes[short_key] = text
    if dropped:
        fields.attributes[DROPPED_ATTRIBUTES] = str(dropped)
