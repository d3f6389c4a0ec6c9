"""`ExportLogsServiceRequest` to scores (`gen_ai.evaluation.result`) and to events with messages."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tachograph.semconv import attributes as a
from tachograph.semconv import scores as s
from tachograph.semconv.values import RejectReason, ScoreSource
from tachograph_collector.translate.limits import Limits, Window, expiry, utc
from tachograph_collector.translate.message_events import (
    EVENT_NAMES,
    MessageEvent,
    message_event,
)
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.resource import Source, read_resource
from tachograph_collector.translate.values import Value, as_text, cut, python_values
from tachograph_store.rows import ScoreRow

_EVENT_NAME_ATTRIBUTE = "event.name"
_MAX_NAME_BYTES = 256


@dataclass(frozen=True, slots=True)
class TranslatedScore:
    """A score whose `span_time` is still that of the event, until its span is looked up."""

    row: ScoreRow
    source: str


@dataclass(slots=True)
class TranslatedLogs:
    """Rows of one logs request."""

    scores: list[TranslatedScore] = field(default_factory=list)
    events: list[MessageEvent] = field(default_factory=list)


def translate_logs(
    request: ExportLogsServiceRequest,
    project: str,
    author: str,
    window: Window,
    limits: Limits,
    rejections: Rejections,
) -> TranslatedLogs:
    """Rows of all acceptable records; the others are counted in `rejections`."""
    translated = TranslatedLogs()
    for resource_logs in request.resource_logs:
        source = read_resource(resource_logs.resource, limits)
        for scope_logs in resource_logs.scope_logs:
            scope = scope_logs.scope
            for record in scope_logs.log_records:
                attributes = python_values(record.attributes)
                name = record.event_name or as_text(attributes.get(_EVENT_NAME_ATTRIBUTE)) or ""
                reason = _reject_reason(record, name, attributes, window)
                if reason is not None:
                    rejections.add(source.ledger_name, reason)
                elif name in EVENT_NAMES:
                    time = _time(record)
                    translated.events.append(
                        message_event(record, name, time, scope, source, project, limits)
                    )
                else:
                    row = _score(record, attributes, scope, source, project, author, limits)
                    translated.scores.append(TranslatedScore(row, source.ledger_name))
    return translated


def _reject_reason(
    record: LogRecord, name: str, attributes: Mapping[str, Value], window: Window
) -> str | None:
    if name != s.EVENT_NAME and name not in EVENT_NAMES:
        return RejectReason.UNSUPPORTED
    if not _names_a_response(record, name, attributes):
        if len(record.trace_id) != 16 or not any(record.trace_id):
            return RejectReason.BAD_TRACE_ID
        if len(record.span_id) != 8 or not any(record.span_id):
            return RejectReason.BAD_SPAN_ID
    if name == s.EVENT_NAME and not _is_score(attributes):
        return RejectReason.BAD_VALUE
    return window.reject_reason(_time(record))


def _names_a_response(record: LogRecord, name: str, attributes: Mapping[str, Value]) -> bool:
    """Whether a score without a span says which response it judges."""
    has_ids = any(record.trace_id) or any(record.span_id)
    return name == s.EVENT_NAME and not has_ids and bool(as_text(attributes.get(a.RESPONSE_ID)))


def _is_score(attributes: Mapping[str, Value]) -> bool:
    if as_text(attributes.get(s.EVALUATION_NAME)) is None:
        return False
    value = attributes.get(s.SCORE_VALUE)
    if value is None:
        others = (attributes.get(s.SCORE_LABEL), attributes.get(a.ERROR_TYPE))
        return any(as_text(other) for other in others)
    return _unit_value(value) is not None


def _unit_value(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= 1 else None


def _time(record: LogRecord) -> int:
    return record.time_unix_nano or record.observed_time_unix_nano


def _score(
    record: LogRecord,
    attributes: Mapping[str, Value],
    scope: InstrumentationScope,
    source: Source,
    project: str,
    author: str,
    limits: Limits,
) -> ScoreRow:
    time = _time(record)
    # Without a span the response's id stands in its place until the span is looked up.
    response_id = _text(attributes, a.RESPONSE_ID, _MAX_NAME_BYTES) or ""
    return ScoreRow(
        project=project,
        trace_id=record.trace_id.hex() if any(record.trace_id) else "",
        span_id=record.span_id.hex() if any(record.span_id) else response_id,
        span_time=time,
        evaluator=cut(scope.name or source.ledger_name, _MAX_NAME_BYTES)[0],
        evaluator_version=cut(scope.version, _MAX_NAME_BYTES)[0],
        name=_text(attributes, s.EVALUATION_NAME, _MAX_NAME_BYTES) or "",
        author=author,
        source=ScoreSource.API,
        value=_unit_value(attributes.get(s.SCORE_VALUE)),
        label=_text(attributes, s.SCORE_LABEL, _MAX_NAME_BYTES),
        explanation=_text(attributes, s.EXPLANATION, limits.max_attribute_bytes),
        error_type=_text(attributes, a.ERROR_TYPE, _MAX_NAME_BYTES),
        created_at=utc(time),
        expires_on=expiry(time, limits.retention_days),
    )


def _text(attributes: Mapping[str, Value], name: str, limit_bytes: int) -> str | None:
    text = as_text(attributes.get(name))
    return None if text is None else cut(text, limit_bytes)[0]
