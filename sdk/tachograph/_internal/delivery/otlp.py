"""Records as OTLP messages, request bodies out of them, and what answers say was refused.

Spans, metrics and logs have requests of one shape: resource, scope, records. Each record is encoded
by itself, once, into a `Piece`; a body is the pieces of a batch put together by resource and scope.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from tachograph._internal.delivery.records import LogEvent, MetricPoint, PendingSpan, Record
from tachograph._internal.delivery.wire import (
    attributes,
    fields,
    framed,
    text_bytes,
    varint,
)
from tachograph.semconv import SCHEMA_URL
from tachograph.version import __version__

_OWN_SCOPE = InstrumentationScope("tachograph", __version__, SCHEMA_URL)
_CUMULATIVE = b"\x10\x02\x18\x01"  # aggregation temporality; monotonic
_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200


class Group(NamedTuple):
    """Which resource and scope a record belongs to; None: this process's."""

    resource: Resource | None = None
    scope: InstrumentationScope | None = _OWN_SCOPE


_OWN = Group()


class Piece(NamedTuple):
    """One encoded record."""

    group: Group
    content: bytes
    size: int
    """Its estimated size, by which the queues count."""


def encode(record: Record, size: int) -> Piece:
    """Encode one record. Raises TypeError or ValueError where it has no OTLP form."""
    if isinstance(record, PendingSpan):
        return Piece(_OWN, framed(b"\x12", _pending_span(record)), size)
    if isinstance(record, ReadableSpan):
        group = Group(record.resource, record.instrumentation_scope)
        return Piece(group, framed(b"\x12", _readable_span(record)), size)
    if isinstance(record, MetricPoint):
        return Piece(_OWN, framed(b"\x12", _point(record)), size)
    return Piece(_OWN, framed(b"\x12", _event(record)), size)


def body(pieces: Sequence[Piece], resource: Resource) -> bytes:
    """The body of an export request; `resource` is this process's."""
    # By identity: the hash of a Resource is a JSON dump of it.
    groups: dict[tuple[int, int], tuple[Group, list[bytes]]] = {}
    for piece in pieces:
        key = (id(piece.group.resource), id(piece.group.scope))
        of_group = groups.get(key)
        if of_group is None:
            of_group = groups[key] = (piece.group, [])
        of_group[1].append(piece.content)
    found: list[bytes] = []
    for group, contents in groups.values():
        scope, schema_url = _scope(group.scope)
        of_scope = len(scope) + sum(map(len, contents)) + len(schema_url)
        head = _resource(group.resource or resource)
        length = varint(of_scope)
        found.append(b"\x0a" + varint(len(head) + 1 + len(length) + of_scope))
        found += (head, b"\x12", length, scope, *contents, schema_url)
    return b"".join(found)


def rejected_records(answer: bytes) -> tuple[int, str]:
    """How many records a 2xx answer says were refused (partial success), and why.

    An answer that is not OTLP counts as full success: its status said so.
    """
    count, message = 0, ""
    try:
        for number, value in fields(answer):
            if number == 1 and isinstance(value, bytes):
                for inner, said in fields(value):
                    if inner == 1 and isinstance(said, int):
                        count = said if said < 2**63 else 0
                    elif inner == 2 and isinstance(said, bytes):
                        message = said.decode(errors="replace")
    except ValueError:
        return 0, ""
    return count, message


def _pending_span(span: PendingSpan) -> bytes:
    found, error_text = span.build()
    status = framed(b"\x12", text_bytes(error_text)) if error_text else b""
    if span.is_failed:
        status += b"\x18\x02"
    parent = span.parent_span_id
    return b"".join(
        (
            b"\x0a\x10",
            span.trace_id.to_bytes(16, "big"),
            b"\x12\x08",
            span.span_id.to_bytes(8, "big"),
            b"\x22\x08" + parent.to_bytes(8, "big") if parent else b"",
            framed(b"\x2a", text_bytes(span.name)),
            b"\x30" + varint(span.kind),
            struct.pack("<BQBQ", 0x39, span.start_time_unix_nano, 0x41, span.end_time_unix_nano),
            attributes(b"\x4a", found),
            framed(b"\x7a", status),
            b"\x85\x01" + struct.pack("<I", _HAS_IS_REMOTE),
        )
    )


def _readable_span(span: ReadableSpan) -> bytes:
    context = span.context
    if context is None:
        raise ValueError("a span without a context has no id")
    found = [
        framed(b"\x0a", context.trace_id.to_bytes(16, "big")),
        framed(b"\x12", context.span_id.to_bytes(8, "big")),
    ]
    if context.trace_state:
        found.append(framed(b"\x1a", text_bytes(context.trace_state.to_header())))
    if span.parent is not None:
        found.append(framed(b"\x22", span.parent.span_id.to_bytes(8, "big")))
    found.append(framed(b"\x2a", text_bytes(span.name)))
    found.append(b"\x30" + varint(span.kind.value + 1))
    found.append(struct.pack("<BQBQ", 0x39, span.start_time or 0, 0x41, span.end_time or 0))
    found.append(attributes(b"\x4a", span.attributes or {}))
    found.append(_count(b"\x50", span.dropped_attributes))
    for event in span.events:
        found.append(
            framed(
                b"\x5a",
                b"\x09"
                + struct.pack("<Q", event.timestamp)
                + framed(b"\x12", text_bytes(event.name))
                + attributes(b"\x1a", event.attributes or {})
                + _count(b"\x20", event.dropped_attributes),
            )
        )
    found.append(_count(b"\x60", span.dropped_events))
    for link in span.links:
        found.append(
            framed(
                b"\x6a",
                framed(b"\x0a", link.context.trace_id.to_bytes(16, "big"))
                + framed(b"\x12", link.context.span_id.to_bytes(8, "big"))
                + attributes(b"\x22", link.attributes or {})
                + _count(b"\x28", link.dropped_attributes)
                + b"\x35"
                + struct.pack("<I", _flags(link.context)),
            )
        )
    found.append(_count(b"\x70", span.dropped_links))
    status = framed(b"\x12", text_bytes(span.status.description or ""))
    found.append(
        framed(
            b"\x7a",
            (status if span.status.description else b"")
            + _count(b"\x18", span.status.status_code.value),
        )
    )
    found.append(b"\x85\x01" + struct.pack("<I", _flags(span.parent)))
    return b"".join(found)


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if context is not None and context.is_remote else 0)


def _count(tag: bytes, number: int) -> bytes:
    return tag + varint(number) if number else b""


def _point(point: MetricPoint) -> bytes:
    found = attributes(b"\x3a", point.attributes)
    if point.start_time_unix_nano is not None:
        found += b"\x11" + struct.pack("<Q", point.start_time_unix_nano)
    found += b"\x19" + struct.pack("<Q", point.time_unix_nano)
    if isinstance(point.value, int):
        found += b"\x31" + struct.pack("<q", point.value)
    else:
        found += b"\x21" + struct.pack("<d", point.value)
    points = framed(b"\x0a", found)
    return (
        framed(b"\x0a", text_bytes(point.name))
        + framed(b"\x1a", text_bytes(point.unit))
        + (
            framed(b"\x3a", points + _CUMULATIVE)
            if point.kind == "counter"
            else framed(b"\x2a", points)
        )
    )


def _event(event: LogEvent) -> bytes:
    found = b"\x09" + struct.pack("<Q", event.time_unix_nano)
    if event.body is not None:
        found += framed(b"\x2a", framed(b"\x0a", text_bytes(event.body)))
    found += attributes(b"\x32", event.attributes)
    if event.trace_id is not None:
        found += framed(b"\x4a", bytes.fromhex(event.trace_id))
    if event.span_id is not None:
        found += framed(b"\x52", bytes.fromhex(event.span_id))
    found += b"\x59" + struct.pack("<Q", event.time_unix_nano)
    return found + framed(b"\x62", text_bytes(event.name))


def _resource(resource: Resource) -> bytes:
    return framed(b"\x0a", attributes(b"\x0a", resource.attributes))


def _scope(scope: InstrumentationScope | None) -> tuple[bytes, bytes]:
    if scope is None:
        return framed(b"\x0a", b""), b""
    content = framed(b"\x0a", text_bytes(scope.name))
    if scope.version:
        content += framed(b"\x12", text_bytes(scope.version))
    content += attributes(b"\x1a", scope.attributes or {})
    schema_url = scope.schema_url or ""
    return framed(b"\x0a", content), framed(b"\x1a", text_bytes(schema_url)) if schema_url else b""
