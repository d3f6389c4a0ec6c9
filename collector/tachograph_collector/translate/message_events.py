"""Log records that carry a conversation: kept as zero-length children of the span they belong to.

Instrumentations may put messages into events instead of span attributes, and events come as log
records, in exports of their own. As a row of `spans` such an event is found, shown, exported,
expired and forgotten with its trace; it never counts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tachograph.semconv.values import Observer
from tachograph_collector.translate.columns import EVENT_MESSAGES
from tachograph_collector.translate.convert import as_object
from tachograph_collector.translate.dialects.genai import OPERATION_DETAILS
from tachograph_collector.translate.events import event_message, messages_json
from tachograph_collector.translate.fields import SpanFields, put_content, read_attributes
from tachograph_collector.translate.limits import Limits, expiry
from tachograph_collector.translate.resource import Source
from tachograph_collector.translate.settle import settle
from tachograph_collector.translate.values import Value, cut, python_value
from tachograph_store.rows import SpanRow

EVENT_NAMES: Final[Collection[str]] = frozenset({OPERATION_DETAILS, *EVENT_MESSAGES})

_MAX_NAME_BYTES: Final = 256
_NOT_OF_AN_EVENT: Final = ("_level", "_status_message", "observer", "tenant_source")


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """The row of one event and the sender that the books name."""

    row: SpanRow
    source: str


def message_event(
    record: LogRecord,
    name: str,
    time: int,
    scope: InstrumentationScope,
    source: Source,
    project: str,
    limits: Limits,
) -> MessageEvent:
    """The row of a record whose event name is in `EVENT_NAMES`; its ids and time are sound."""
    fields = read_attributes(record.attributes, record.dropped_attributes_count, limits)
    line = EVENT_MESSAGES.get(name)
    if line is not None:
        message = event_message(line.role, _members(record))
        put_content(line.column, name, messages_json([message]), fields, limits)
    columns = _columns(fields, scope.name, time)
    identity = record.SerializeToString(deterministic=True)
    row = SpanRow(
        project=project,
        trace_id=record.trace_id.hex(),
        span_id=blake2b(identity, digest_size=8).hexdigest(),
        parent_span_id=record.span_id.hex(),
        start_time=time,
        duration_ns=0,
        name=cut(name, _MAX_NAME_BYTES)[0],
        service_name=source.service_name,
        service_instance_id=source.service_instance_id,
        scope_name=cut(scope.name, _MAX_NAME_BYTES)[0],
        scope_version=cut(scope.version, _MAX_NAME_BYTES)[0],
        observer=Observer.CLIENT,
        is_counted=False,  # the span that it belongs to counts
        truncated=tuple(dict.fromkeys(fields.truncated)),
        attributes=fields.attributes,
        resource_attributes=source.attributes,
        content_hash=int.from_bytes(
            blake2b(source.identity + identity, digest_size=8).digest(), "big"
        ),
        expires_on=expiry(time, limits.retention_days),
        content_expires_on=expiry(time, limits.content_retention_days),
        **columns,
    )
    return MessageEvent(row, source.ledger_name)


def _members(record: LogRecord) -> Mapping[str, Value]:
    """What the body says; text that is no JSON object is the content."""
    body = python_value(record.body)
    members = as_object(body)
    if members is not None:
        return members
    return {} if body is None else {"content": body}


def _columns(fields: SpanFields, scope_name: str, time: int) -> dict[str, Any]:
    columns = fields.columns
    for name in _NOT_OF_AN_EVENT:
        columns.pop(name, None)
    if fields.needs_settling:
        settle(columns, scope_name, time, time)
    if "tenant" in columns:
        columns["tenant_source"] = "attribute"
    return columns
