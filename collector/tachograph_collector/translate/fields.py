"""Attributes of one span sorted into typed columns, content columns and the map."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tachograph.semconv import attributes as a
from tachograph_collector.translate.annotations import Annotation, read_annotations
from tachograph_collector.translate.columns import (
    CONTENT_COLUMNS,
    INDEXED_COLUMNS,
    LONG_ATTRIBUTES,
    MAX_TYPED_LIST_ITEMS,
    MAX_TYPED_TEXT_BYTES,
    PREFIXES,
    RENAMED,
    SCORE_PREFIXES,
    TYPED_COLUMNS,
    Column,
)
from tachograph_collector.translate.limits import Limits
from tachograph_collector.translate.messages import cut_content
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

MAX_KEY_BYTES = 256
_UNBOUNDED = "Infinity"  # Langfuse's `max_tokens` of a request that set none
_ALWAYS_READ = frozenset(
    {*TYPED_COLUMNS, *CONTENT_COLUMNS, a.COUNTED, a.TRUNCATED, a.USAGE_COST_CURRENCY}
)


@dataclass(slots=True)
class SpanFields:
    """What the attributes of a span say, ready for `SpanRow` once they are settled."""

    columns: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    truncated: list[str] = field(default_factory=list)
    counted: Value = None
    cost_currency: str | None = None
    needs_settling: bool = False
    """Some of `columns` are none yet: `settle` has to be called."""
    annotations: list[Annotation] = field(default_factory=list)


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
    best: dict[str, tuple[Column, str, object]] = {}
    objects: list[tuple[Column, Any]] = []
    for key, value in values.items():
        column = TYPED_COLUMNS.get(key)
        if column is None:
            rest[key] = value
            continue
        converted = column.convert(value)
        if converted is None:
            rest[key] = value
            continue
        if column.keep:
            rest[key] = value
            if column.members is not None:
                objects.append((column, converted))
                continue
        rival = best.get(column.name)
        if rival is None or column.rank < rival[0].rank:
            best[column.name] = (column, key, converted)
        if rival is not None:
            loser = key if column.rank > rival[0].rank else rival[1]
            rest[loser] = values[loser]
    for column, members in objects:
        _take_members(column, members, values, best, rest)
    for name, (column, key, converted) in best.items():
        fields.columns[name], was_cut = bounded(converted)
        if was_cut:
            fields.truncated.append(key)
        if column.settles:
            fields.needs_settling = True
        for other in column.also:
            fields.columns.setdefault(other, converted)
    for column, _, _ in best.values():
        for name, fact in column.follows:
            fields.columns.setdefault(name, fact)
    return rest


def _take_members(
    line: Column,
    members: Mapping[str, Value],
    values: Mapping[str, Value],
    best: dict[str, tuple[Column, str, object]],
    rest: dict[str, Value],
) -> None:
    """The members of a JSON object that have a name of ours, where nothing better says them."""
    for member, attribute in (line.members or {}).items():
        value = members.get(member)
        if value is None or value == _UNBOUNDED or attribute in values:
            continue
        column = TYPED_COLUMNS.get(attribute)
        if column is None:
            rest.setdefault(attribute, value)
        elif column.name not in best:
            converted = column.convert(value)
            if converted is not None:
                best[column.name] = (column, attribute, converted)


def bounded(converted: object) -> tuple[object, bool]:
    """The value within what a typed column takes, and whether a text was cut for it."""
    if isinstance(converted, str):
        return cut(converted, MAX_TYPED_TEXT_BYTES)
    if isinstance(converted, list):
        items = converted[:MAX_TYPED_LIST_ITEMS]
        return [cut(item, MAX_TYPED_TEXT_BYTES)[0] for item in items], False
    return converted, False


def _take_content(
    values: Mapping[str, Value], fields: SpanFields, limits: Limits
) -> dict[str, Value]:
    rest: dict[str, Value] = {}
    plain: list[str] = []
    indexed: dict[str, dict[str, Value]] = {}
    for key, value in values.items():
        if key in CONTENT_COLUMNS:
            plain.append(key)
        elif key.startswith(PREFIXES):
            prefix = next(prefix for prefix in PREFIXES if key.startswith(prefix))
            indexed.setdefault(prefix, {})[key[len(prefix) :]] = value
        else:
            rest[key] = value
    for prefix in SCORE_PREFIXES:
        if prefix in indexed:
            annotations, others = read_annotations(indexed.pop(prefix))
            fields.annotations.extend(annotations)
            rest.update({prefix + suffix: value for suffix, value in others.items()})
    candidates = [*plain, *indexed]
    for name in sorted(candidates, key=_content_rank) if len(candidates) > 1 else candidates:
        if name in indexed:
            rest.update(_put_indexed(name, indexed[name], fields, limits))
            continue
        _, content = CONTENT_COLUMNS[name]
        if content.column in fields.columns:
            rest[name] = values[name]
        else:
            _put_content(content.column, name, content.convert(values[name]), fields, limits)
    return rest


def _content_rank(name: str) -> int:
    line = CONTENT_COLUMNS.get(name)
    return INDEXED_COLUMNS[name][0] if line is None else line[0]


def _put_indexed(
    prefix: str, members: Mapping[str, Value], fields: SpanFields, limits: Limits
) -> dict[str, Value]:
    """What is left of the attributes of one prefix."""
    _, line = INDEXED_COLUMNS[prefix]
    rest = members
    if line.column not in fields.columns:
        text, rest = line.convert(members)
        if text is not None:
            _put_content(line.column, prefix.rstrip("."), text, fields, limits)
    return {prefix + suffix: value for suffix, value in rest.items()}


def _put_content(name: str, key: str, text: str, fields: SpanFields, limits: Limits) -> None:
    text, was_cut = cut_content(text, limits.max_content_bytes)
    if was_cut:
        fields.truncated.append(key)
    fields.columns[name] = text


def put_content(name: str, key: str, text: str, fields: SpanFields, limits: Limits) -> None:
    """Fill a content column that no attribute filled."""
    if name not in fields.columns:
        _put_content(name, key, text, fields, limits)


def _keep_rest(rest: Mapping[str, Value], dropped: int, fields: SpanFields, limits: Limits) -> None:
    for key, value in rest.items():
        if len(fields.attributes) == limits.max_attributes:
            dropped += len(rest) - limits.max_attributes
            fields.truncated.append("attributes")
            break
        name = RENAMED.get(key, key)
        if name is not key and name in rest:
            name = key
        is_long = name in LONG_ATTRIBUTES
        limit_bytes = limits.max_content_bytes if is_long else limits.max_attribute_bytes
        short_key = cut(name, MAX_KEY_BYTES)[0]
        text, was_cut = cut(text_of(value), limit_bytes)
        if was_cut or short_key != name:
            fields.truncated.append(short_key)
        fields.attributes[short_key] = text
    if dropped:
        fields.attributes[DROPPED_ATTRIBUTES] = str(dropped)
