"""Span events: kept as they are, except for those that are content or mark chunks of a stream."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tachograph_collector.translate.columns import (
    CHUNK_EVENTS,
    EVENT_CONTENTS,
    EVENT_MESSAGES,
    FIRST_CHUNK_EVENTS,
)
from tachograph_collector.translate.convert import as_error_type, as_object
from tachograph_collector.translate.limits import Limits
from tachograph_collector.translate.settle import note_chunks, note_first_chunk
from tachograph_collector.translate.shapes import Message, message_of
from tachograph_collector.translate.values import Value, cut, python_values, text_of

EXCEPTION = "exception"
EXCEPTION_TYPE = "exception.type"
EVENT_BODY = "gen_ai.event.content"
"""Attribute of a span event: the JSON of what would be the body of a log record."""

_MAX_NAME_BYTES = 1024
_MAX_EVENT_ATTRIBUTES = 64
_MAX_TIME = 2**63 - 1  # DateTime64(9) holds signed nanoseconds
_NOT_IN_MESSAGES = frozenset({"gen_ai.system", "gen_ai.provider.name", "event.name"})


@dataclass(slots=True)
class SpanEvents:
    """The event columns of a span, and what its events say besides."""

    times: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    attributes: list[Mapping[str, str]] = field(default_factory=list)
    contents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Column -> the event that it comes from, and the text."""
    messages: dict[str, list[Message]] = field(default_factory=dict)
    """Column -> messages, for columns that no `contents` fill."""
    error_type: str | None = None


def read_events(span: Span, limits: Limits) -> SpanEvents:
    """Read the events within the limits; what is content is moved out of their attributes."""
    events = SpanEvents()
    for event in span.events[: limits.max_events]:
        name = event.name
        values = python_values(event.attributes)
        if name in EVENT_MESSAGES or name in EVENT_CONTENTS:
            values = _take_content(name, values, events)
        elif name == EXCEPTION and events.error_type is None:
            events.error_type = as_error_type(values.get(EXCEPTION_TYPE))
        is_storable = 0 < event.time_unix_nano <= _MAX_TIME
        events.times.append(event.time_unix_nano if is_storable else span.start_time_unix_nano)
        events.names.append(cut(name, _MAX_NAME_BYTES)[0])
        events.attributes.append(_texts(values, limits))
    return events


def note_stream(span: Span, columns: dict[str, Any]) -> None:
    """What events for each chunk, or for the first, say of a stream's timing."""
    times = [event.time_unix_nano for event in span.events if event.name in CHUNK_EVENTS]
    firsts = [event.time_unix_nano for event in span.events if event.name in FIRST_CHUNK_EVENTS]
    for first in (*firsts[:1], *times[:1]):
        columns.setdefault("is_streaming", True)
        note_first_chunk(columns, first, span.start_time_unix_nano, span.end_time_unix_nano)
    if times and not span.dropped_events_count:
        note_chunks(columns, times)


def _take_content(name: str, values: Mapping[str, Value], events: SpanEvents) -> dict[str, Value]:
    line = EVENT_MESSAGES.get(name)
    if line is not None:
        message = event_message(line.role, values)
        events.messages.setdefault(line.column, []).append(message)
        return {key: value for key, value in values.items() if key in _NOT_IN_MESSAGES}
    rest = dict(values)
    for content in EVENT_CONTENTS[name]:
        if content.attribute in rest and content.column not in events.contents:
            text = text_of(rest.pop(content.attribute))
            events.contents[content.column] = (name, text)
    return rest


def event_message(role: str, fields: Mapping[str, Value]) -> Message:
    """The message that an event of the event-based era is, from its attributes or its body."""
    members: dict[str, Value] = {
        key: value for key, value in fields.items() if key not in _NOT_IN_MESSAGES
    }
    body = as_object(members.pop(EVENT_BODY, None))
    members.update(body or {})
    members.pop("index", None)
    nested = as_object(members.get("message"))
    if nested is not None:
        del members["message"]
        members = {**nested, **members}
    if role == "tool" and "id" in members:
        members["tool_call_id"] = members.pop("id")
    return message_of({"role": role, **members})


def messages_json(messages: list[Message]) -> str:
    """JSON of the messages."""
    return orjson.dumps(messages).decode()


def _texts(values: Mapping[str, Value], limits: Limits) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in values.items():
        if len(texts) == _MAX_EVENT_ATTRIBUTES:
            break
        texts[cut(key, _MAX_NAME_BYTES)[0]] = cut(text_of(value), limits.max_attribute_bytes)[0]
    return texts


def has_stream_events(names: Collection[str]) -> bool:
    """Whether any event marks a chunk."""
    return not (CHUNK_EVENTS.isdisjoint(names) and FIRST_CHUNK_EVENTS.isdisjoint(names))
