"""`ExportTraceServiceRequest` to span rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tachograph.semconv.values import Observer, RejectReason
from tachograph_collector.translate.annotations import score_rows
from tachograph_collector.translate.counting import OBSERVERS, is_counted
from tachograph_collector.translate.dialects.table import LEVEL, STATUS_MESSAGE
from tachograph_collector.translate.events import (
    SpanEvents,
    has_stream_events,
    messages_json,
    note_stream,
    read_events,
)
from tachograph_collector.translate.fields import SpanFields, put_content, read_attributes
from tachograph_collector.translate.limits import Limits, Window, expiry
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.resource import Source, read_resource
from tachograph_collector.translate.settle import settle
from tachograph_collector.translate.values import cut
from tachograph_store.rows import ScoreRow, SpanRow

_MAX_NAME_BYTES = 1024
_KINDS: Mapping[int, str] = {
    Span.SPAN_KIND_SERVER: "SERVER",
    Span.SPAN_KIND_CLIENT: "CLIENT",
    Span.SPAN_KIND_PRODUCER: "PRODUCER",
    Span.SPAN_KIND_CONSUMER: "CONSUMER",
}
_STATUS_CODES: Mapping[int, str] = {
    Status.STATUS_CODE_OK: "OK",
    Status.STATUS_CODE_ERROR: "ERROR",
}
_NO_EVENTS = SpanEvents()


@dataclass(frozen=True, slots=True)
class TranslatedSpan:
    """A row, not yet priced, and what pricing needs besides."""

    row: SpanRow
    reported_currency: str | None
    scores: Sequence[ScoreRow] = ()
    """Scores of the span that it carries itself."""


def translate_spans(
    request: ExportTraceServiceRequest,
    project: str,
    window: Window,
    limits: Limits,
    rejections: Rejections,
) -> list[TranslatedSpan]:
    """Rows of all acceptable spans; the others are counted in `rejections`."""
    spans: list[TranslatedSpan] = []
    for resource_spans in request.resource_spans:
        source = read_resource(resource_spans.resource, limits)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                reason = _reject_reason(span, window)
                if reason is not None:
                    rejections.add(source.ledger_name, reason)
                    continue
                spans.append(_translate(span, scope_spans.scope, source, project, limits))
    return spans


def _reject_reason(span: Span, window: Window) -> str | None:
    if not _is_id(span.trace_id, 16):
        return RejectReason.BAD_TRACE_ID
    if not _is_id(span.span_id, 8):
        return RejectReason.BAD_SPAN_ID
    if len(span.parent_span_id) not in (0, 8):
        return RejectReason.BAD_SPAN_ID
    if span.end_time_unix_nano < span.start_time_unix_nano:
        return RejectReason.BAD_TIME
    return window.reject_reason(span.start_time_unix_nano) or window.reject_reason(
        span.end_time_unix_nano
    )


def _is_id(value: bytes, length: int) -> bool:
    return len(value) == length and any(value)


def _translate(
    span: Span, scope: InstrumentationScope, source: Source, project: str, limits: Limits
) -> TranslatedSpan:
    fields = read_attributes(span.attributes, span.dropped_attributes_count, limits)
    events = _read_events(span, fields, limits) if span.events else _NO_EVENTS
    columns = fields.columns
    status_code, status_text = _status(span, columns)
    if fields.needs_settling:
        settle(columns, scope.name, span.start_time_unix_nano, span.end_time_unix_nano)
    if events.error_type is not None and status_code == "ERROR":
        columns.setdefault("error_type", events.error_type)
    observer = columns.pop("observer", Observer.CLIENT)
    if observer not in OBSERVERS:
        fields.attributes["tachograph.observer"] = observer
        observer = Observer.CLIENT
    if "tenant" in columns and not (observer == Observer.PROXY and "tenant_source" in columns):
        columns["tenant_source"] = "attribute"  # only the sidecar maps keys to tenants
    status_message, status_cut = cut(status_text, limits.max_attribute_bytes)
    if status_cut:
        fields.truncated.append("status.message")
    name, name_cut = cut(span.name, _MAX_NAME_BYTES)
    if name_cut:
        fields.truncated.append("name")
    links = [link for link in span.links if len(link.trace_id) == 16 and len(link.span_id) == 8]
    if len(links) > limits.max_links:
        fields.truncated.append("links")
        links = links[: limits.max_links]
    row = SpanRow(
        project=project,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() if any(span.parent_span_id) else "",
        start_time=span.start_time_unix_nano,
        duration_ns=span.end_time_unix_nano - span.start_time_unix_nano,
        name=name,
        kind=_KINDS.get(span.kind, "INTERNAL"),
        status_code=status_code,
        status_message=status_message,
        service_name=source.service_name,
        service_instance_id=source.service_instance_id,
        scope_name=cut(scope.name, _MAX_NAME_BYTES)[0],
        scope_version=cut(scope.version, _MAX_NAME_BYTES)[0],
        observer=observer,
        is_counted=is_counted(columns.get("operation"), observer, fields.counted),
        truncated=tuple(dict.fromkeys(fields.truncated)),
        attributes=fields.attributes,
        resource_attributes=source.attributes,
        event_times=events.times,
        event_names=events.names,
        event_attributes=events.attributes,
        link_trace_ids=[link.trace_id.hex() for link in links],
        link_span_ids=[link.span_id.hex() for link in links],
        content_hash=_content_hash(span, scope, source),
        expires_on=expiry(span.start_time_unix_nano, limits.retention_days),
        content_expires_on=expiry(span.start_time_unix_nano, limits.content_retention_days),
        **columns,
    )
    if not fields.annotations:
        return TranslatedSpan(row, fields.cost_currency)
    scores = tuple(score_rows(fields.annotations, row, limits))
    return TranslatedSpan(row, fields.cost_currency, scores)


def _read_events(span: Span, fields: SpanFields, limits: Limits) -> SpanEvents:
    events = read_events(span, limits)
    if len(span.events) > limits.max_events:
        fields.truncated.append("events")
    for column, (name, text) in events.contents.items():
        put_content(column, name, text, fields, limits)
    for column, messages in events.messages.items():
        put_content(column, f"events.{column}", messages_json(messages), fields, limits)
    if has_stream_events(events.names):
        note_stream(span, fields.columns)
    return events


def _status(span: Span, columns: dict[str, Any]) -> tuple[str, str]:
    """The status of the span, or what a dialect says of it where it has none."""
    code = _STATUS_CODES.get(span.status.code, "UNSET")
    level = columns.pop(LEVEL, None)
    message = columns.pop(STATUS_MESSAGE, None)
    if code == "UNSET" and level == "ERROR":
        code = "ERROR"
    return code, span.status.message or message or ""


def _content_hash(span: Span, scope: InstrumentationScope, source: Source) -> int:
    """64 bits of everything the sender said of the span: equal for a retry, not for a change."""
    digest = blake2b(digest_size=8)
    for part in (
        source.identity,
        scope.SerializeToString(deterministic=True),
        span.SerializeToString(deterministic=True),
    ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return int.from_bytes(digest.digest(), "big")
