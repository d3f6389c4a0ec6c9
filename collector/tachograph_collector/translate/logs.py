"""`ExportLogsServiceRequest` to scores: events `gen_ai.evaluation.result`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tachograph.semconv import attributes as a
from tachograph.semconv import scores as s
from tachograph.semconv.values import RejectReason, ScoreSource
from tachograph_collector.translate.limits import Limits, Window, expiry, utc
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


def translate_logs(
    request: ExportLogsServiceRequest,
    project: str,
    author: str,
    window: Window,
    limits: Limits,
    rejections: Rejections,
) -> list[TranslatedScore]:
    """Scores of all acceptable records; the others are counted in `rejections`."""
    scores: list[TranslatedScore] = []
    for resource_logs in request.resource_logs:
        source = read_resource(resource_logs.resource, limits)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                attributes = python_values(record.attributes)
                reason = _reject_reason(record, attributes, window)
                if reason is not None:
                    rejections.add(source.ledger_name, reason)
                    continue
                row = _score(record, attributes, scope_logs.scope, source, project, author, limits)
                scores.append(TranslatedScore(row, source.ledger_name))
    return scores


def _reject_reason(
    record: LogRecord, attributes: Mapping[str, Value], window: Window
) -> str | None:
    event_name = record.event_name or attributes.get(_EVENT_NAME_ATTRIBUTE)
    if event_name != s.EVENT_NAME:
        return RejectReason.UNSUPPORTED
    if len(record.trace_id) != 16 or not any(record.trace_id):
        return RejectReason.BAD_TRACE_ID
    if len(record.span_id) != 8 or not any(record.span_id):
        return RejectReason.BAD_SPAN_ID
    if as_text(attributes.get(s.EVALUATION_NAME)) is None:
        return RejectReason.BAD_VALUE
    value = attributes.get(s.SCORE_VALUE)
    if value is None:
        others = (attributes.get(s.SCORE_LABEL), attributes.get(a.ERROR_TYPE))
        if not any(as_text(other) for other in others):
            return RejectReason.BAD_VALUE
    elif _unit_value(value) is None:
        return RejectReason.BAD_VALUE
    return window.reject_reason(_time(record))


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
    return ScoreRow(
        project=project,
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
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
