"""`ExportTraceServiceRequest` to span rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tachograph.semconv.values import MODEL_OPERATIONS, Observer, RejectReason
from tachograph_collector.translate.annotations import score_rows
from tachograph_collector.translate.attribute_reader import AttributeReader
from tachograph_collector.translate.compiled import Rules, span_reader
from tachograph_collector.translate.content_hash import content_hash, sender_digest
from tachograph_collector.translate.counting import COUNTING_OBSERVERS, OBSERVERS, is_counted
from tachograph_collector.translate.dialects.table import LEVEL, STATUS_MESSAGE
from tachograph_collector.translate.events import (
    SpanEvents,
    has_stream_events,
    messages_json,
    note_stream,
    read_events,
)
from tachograph_collector.translate.fields import SpanFields, put_content, read_attributes
from tachograph_collector.translate.limits import NANOSECONDS, Limits, Window, expiry
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.resource import Source, read_resource
from tachograph_collector.translate.row import DEFAULTS, INDEX, span_row
from tachograph_collector.translate.settle import settle
from tachograph_collector.translate.tokens import is_exclusive
from tachograph_collector.translate.values import cut
from tachograph_collector.translate.wire import RawRequest, RawSpan
from tachograph_store.rows import ScoreRow, SpanRow

_MAX_NAME_BYTES = 1024
_MAX_SENDERS: Final = 256
_MAX_SENDER_BYTES: Final = 4096
"""Resource and scope of a sender that is remembered: few MB in all."""
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
_NO_TRACE_ID = bytes(16)
_NO_SPAN_ID = bytes(8)
_DAY_NS = 86_400 * NANOSECONDS
(
    _TRACE_ID, _SPAN_ID, _PARENT_SPAN_ID, _START_TIME, _DURATION_NS, _NAME, _KIND, _STATUS_CODE,
    _STATUS_MESSAGE, _OBSERVER, _IS_COUNTED, _TRUNCATED, _ATTRIBUTES, _EVENT_TIMES, _EVENT_NAMES,
    _EVENT_ATTRIBUTES, _CONTENT_HASH, _EXPIRES_ON, _CONTENT_EXPIRES_ON,
) = (
    INDEX[name] for name in (
        "trace_id", "span_id", "parent_span_id", "start_time", "duration_ns", "name", "kind",
        "status_code", "status_message", "observer", "is_counted", "truncated", "attributes",
        "event_times", "event_names", "event_attributes", "content_hash", "expires_on",
        "content_expires_on",
    )
)  # fmt: skip


@dataclass(slots=True)
class TranslatedSpans:
    """Rows, not yet priced, and what belongs to them."""

    rows: list[list[Any]] = field(default_factory=list)
    """Values in the order of the fields of `SpanRow`."""
    sources: list[str] = field(default_factory=list)
    """Of each row, under which name the books count it."""
    currencies: dict[int, str] = field(default_factory=dict)
    """The currency that the sender named for its costs, by the row's index."""
    scores: dict[int, Sequence[ScoreRow]] = field(default_factory=dict)
    """Scores that the span carries itself, by the row's index."""


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
    """Rows of all acceptable spans, for who has few of them; the others are counted."""
    spans = SpanTranslator(limits).translate(request, None, project, window, rejections)
    return [
        TranslatedSpan(span_row(row), spans.currencies.get(index), spans.scores.get(index, ()))
        for index, row in enumerate(spans.rows)
    ]


class SpanTranslator:
    """Translates requests; safe to share between threads."""

    def __init__(self, limits: Limits, *, compiled: bool = True) -> None:
        """`compiled` is whether usual spans may go the compiled way, where it was built."""
        self._limits = limits
        self._reader = AttributeReader(limits)
        self._usual = span_reader(_rules(self._reader, limits)) if compiled else None
        self._senders: dict[tuple[bytes | str, ...], _Sender] = {}

    @property
    def is_compiled(self) -> bool:
        """Whether usual spans go the compiled way."""
        return self._usual is not None

    def translate(
        self,
        request: ExportTraceServiceRequest | Callable[[], ExportTraceServiceRequest],
        body: bytes | None,
        project: str,
        window: Window,
        rejections: Rejections,
    ) -> TranslatedSpans:
        """Rows of all acceptable spans; the others are counted in `rejections`.

        `body` is what the request was parsed from, if that was protobuf. A request that is yet to be
        parsed is parsed where the compiled way leaves anything of it; that may raise what it raises.
        """
        parse = request if callable(request) else lambda: request
        content = body or parse().SerializeToString()
        usual = self._usual
        found = usual.cut(content) if usual is not None else None
        spans = TranslatedSpans()
        if usual is None or found is None:
            self._translate_by_rules(parse(), content, project, window, rejections, spans)
            return spans
        for number, (resource, scopes) in enumerate(found):
            for of_scope, (scope, places) in enumerate(scopes):
                sender = self._senders.get((project, resource, scope))
                if sender is None:
                    resource_spans = parse().resource_spans[number]
                    instrumentation = resource_spans.scope_spans[of_scope].scope
                    source = read_resource(resource_spans.resource, self._limits)
                    sender = self._sender(project, resource, scope, source, instrumentation)
                usual.add(
                    content,
                    places,
                    sender.template,
                    sender.digest,
                    sender.scope_name,
                    window.earliest,
                    window.latest,
                    spans.rows,
                    self._left(parse, number, of_scope, sender, spans, window, rejections),
                )
                added = len(spans.rows) - len(spans.sources)
                spans.sources.extend([sender.source.ledger_name] * added)
        return spans

    def _left(
        self,
        parse: Callable[[], ExportTraceServiceRequest],
        number: int,
        of_scope: int,
        sender: "_Sender",
        spans: TranslatedSpans,
        window: Window,
        rejections: Rejections,
    ) -> Callable[[int, bytes], None]:
        """What takes the spans that the compiled way leaves."""
        found: list[Span] = []

        def add(index: int, raw: bytes) -> None:
            if not found:
                found.extend(parse().resource_spans[number].scope_spans[of_scope].spans)
            self._add(spans, found[index], raw, sender, window, rejections)

        return add

    def _translate_by_rules(
        self,
        request: ExportTraceServiceRequest,
        content: bytes,
        project: str,
        window: Window,
        rejections: Rejections,
        spans: TranslatedSpans,
    ) -> None:
        raw_request = RawRequest.FromString(content)
        for resource_spans, raw_resource in zip(
            request.resource_spans, raw_request.resource_spans, strict=True
        ):
            resource = b"".join(raw_resource.resource)  # pieces of one message are that message
            source = None
            for scope_spans, raw_scope in zip(
                resource_spans.scope_spans, raw_resource.scope_spans, strict=True
            ):
                scope = b"".join(raw_scope.scope)
                sender = self._senders.get((project, resource, scope))
                if sender is None:
                    source = source or read_resource(resource_spans.resource, self._limits)
                    sender = self._sender(project, resource, scope, source, scope_spans.scope)
                for span, raw in zip(scope_spans.spans, raw_scope.spans, strict=True):
                    self._add(spans, span, raw, sender, window, rejections)

    def _sender(
        self,
        project: str,
        resource: bytes,
        scope: bytes,
        source: Source,
        instrumentation: InstrumentationScope,
    ) -> "_Sender":
        """A sender that is not known yet, remembered where it is short.

        Requests of one sender begin alike: 80 µs each, as much as several spans take.
        """
        sender = _Sender.of(project, source, instrumentation)
        if len(resource) + len(scope) <= _MAX_SENDER_BYTES:
            if len(self._senders) >= _MAX_SENDERS:
                self._senders = {}
            self._senders[project, resource, scope] = sender
        return sender

    def _add(
        self,
        spans: TranslatedSpans,
        span: Span,
        content: bytes,
        sender: "_Sender",
        window: Window,
        rejections: Rejections,
    ) -> None:
        raw = RawSpan.FromString(content)
        ledger_name = sender.source.ledger_name
        reason = _reject_reason(raw, window)
        if reason is not None:
            rejections.add(ledger_name, reason)
            return
        attributes = raw.attributes[:]
        fields = None if raw.dropped_attributes_count else self._reader.read(attributes)
        if fields is None:
            dropped = span.dropped_attributes_count
            fields = read_attributes(span.attributes, dropped, self._limits)
        row = _row(span, raw, fields, sender, self._limits)
        row[_CONTENT_HASH] = content_hash(sender.digest, raw, attributes)
        index = len(spans.rows)
        spans.rows.append(row)
        spans.sources.append(ledger_name)
        if fields.cost_currency is not None:
            spans.currencies[index] = fields.cost_currency
        if fields.annotations:
            scores = score_rows(fields.annotations, span_row(row), self._limits)
            spans.scores[index] = tuple(scores)


@dataclass(frozen=True, slots=True)
class _Sender:
    """What all spans of one scope share."""

    source: Source
    scope_name: str
    template: list[Any]
    """A row with what they share."""
    digest: bytes
    """Of what they share, for their content hashes."""

    @classmethod
    def of(cls, project: str, source: Source, scope: InstrumentationScope) -> "_Sender":
        template = list(DEFAULTS)
        shared = {
            "project": project,
            "service_name": source.service_name,
            "service_instance_id": source.service_instance_id,
            "scope_name": cut(scope.name, _MAX_NAME_BYTES)[0],
            "scope_version": cut(scope.version, _MAX_NAME_BYTES)[0],
            "resource_attributes": source.attributes,
        }
        for name, value in shared.items():
            template[INDEX[name]] = value
        return cls(source, scope.name, template, sender_digest(source.identity, scope))


def _rules(reader: AttributeReader, limits: Limits) -> Rules:
    """What the compiled way is told, so that nothing is said twice."""
    return Rules(
        index=INDEX,
        kinds=_KINDS,
        status_codes=_STATUS_CODES,
        observers=OBSERVERS,
        counting_observers=COUNTING_OBSERVERS,
        model_operations=MODEL_OPERATIONS,
        max_attributes=limits.max_attributes,
        max_attribute_bytes=limits.max_attribute_bytes,
        direct=(*reader.direct_lines(), *reader.name_lines()),
        read=reader.by_rules,
        settle=settle,
        is_exclusive=is_exclusive,
        cut=cut,
        day_after=lambda day: (
            _day_after(day, limits.retention_days),
            _day_after(day, limits.content_retention_days),
        ),
    )


def _reject_reason(span: Any, window: Window) -> str | None:
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if len(span.trace_id) != 16 or span.trace_id == _NO_TRACE_ID:
        return RejectReason.BAD_TRACE_ID
    if len(span.span_id) != 8 or span.span_id == _NO_SPAN_ID:
        return RejectReason.BAD_SPAN_ID
    if len(span.parent_span_id) not in (0, 8):
        return RejectReason.BAD_SPAN_ID
    if end < start:
        return RejectReason.BAD_TIME
    if 0 < start and window.earliest <= start and end <= window.latest:
        return None
    return window.reject_reason(start) or window.reject_reason(end)


def _row(span: Span, raw: Any, fields: SpanFields, sender: _Sender, limits: Limits) -> list[Any]:
    """The row of one span, but for its content hash. `raw` is the span with unread attributes."""
    start, end = raw.start_time_unix_nano, raw.end_time_unix_nano
    row = list(sender.template)
    columns = fields.columns
    if raw.events:
        events = _read_events(span, fields, limits)
        row[_EVENT_TIMES], row[_EVENT_NAMES] = events.times, events.names
        row[_EVENT_ATTRIBUTES] = events.attributes
    else:
        events = _NO_EVENTS
    if raw.status or LEVEL in columns or STATUS_MESSAGE in columns:
        status_code, status_text = _status(span, columns)
        row[_STATUS_CODE] = status_code
        row[_STATUS_MESSAGE], was_cut = cut(status_text, limits.max_attribute_bytes)
        if was_cut:
            fields.truncated.append("status.message")
        if events.error_type is not None and status_code == "ERROR":
            columns.setdefault("error_type", events.error_type)
    if fields.needs_settling:
        settle(columns, sender.scope_name, start, end)
    observer = columns.pop("observer", Observer.CLIENT)
    if observer not in OBSERVERS:
        fields.attributes["tachograph.observer"] = observer
        observer = Observer.CLIENT
    if "tenant" in columns and not (observer == Observer.PROXY and "tenant_source" in columns):
        columns["tenant_source"] = "attribute"  # only the sidecar maps keys to tenants
    row[_NAME], was_cut = cut(raw.name, _MAX_NAME_BYTES)
    if was_cut:
        fields.truncated.append("name")
    if raw.links:
        _put_links(row, span, fields, limits)
    parent = raw.parent_span_id
    if parent and parent != _NO_SPAN_ID:
        row[_PARENT_SPAN_ID] = parent.hex()
    row[_TRACE_ID] = raw.trace_id.hex()
    row[_SPAN_ID] = raw.span_id.hex()
    row[_START_TIME] = start
    row[_DURATION_NS] = end - start
    row[_KIND] = _KINDS.get(raw.kind, "INTERNAL")
    row[_OBSERVER] = observer
    row[_IS_COUNTED] = is_counted(columns.get("operation"), observer, fields.counted)
    if fields.truncated:
        row[_TRUNCATED] = tuple(dict.fromkeys(fields.truncated))
    row[_ATTRIBUTES] = fields.attributes
    day = start // _DAY_NS
    row[_EXPIRES_ON] = _day_after(day, limits.retention_days)
    row[_CONTENT_EXPIRES_ON] = _day_after(day, limits.content_retention_days)
    for name, value in columns.items():
        row[INDEX[name]] = value
    return row


def _put_links(row: list[Any], span: Span, fields: SpanFields, limits: Limits) -> None:
    links = [link for link in span.links if len(link.trace_id) == 16 and len(link.span_id) == 8]
    if len(links) > limits.max_links:
        fields.truncated.append("links")
        links = links[: limits.max_links]
    row[INDEX["link_trace_ids"]] = [link.trace_id.hex() for link in links]
    row[INDEX["link_span_ids"]] = [link.span_id.hex() for link in links]


@lru_cache(1024)
def _day_after(day: int, days: int) -> date:
    return expiry(day * _DAY_NS, days)


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
