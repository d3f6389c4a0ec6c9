"""What can be delivered: spans as OpenTelemetry makes them, metric points and log events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from opentelemetry.sdk.trace import ReadableSpan

Signal: TypeAlias = Literal["spans", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("spans", "metrics", "logs")

AttributeValue: TypeAlias = str | bool | int | float | Sequence[str | bool | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One reading of one metric. `attributes` are the labels of this time series."""

    name: str
    unit: str
    kind: Literal["gauge", "counter"]
    value: float
    time_unix_nano: int
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    start_time_unix_nano: int | None = None
    """When a counter began at zero; None where that is unknown (an engine's own counter)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One OTel log record with an event name, e.g. a score (`gen_ai.evaluation.result`)."""

    name: str
    time_unix_nano: int
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    body: str | None = None
    trace_id: str | None = None
    """32 hex digits of the trace that the event belongs to."""
    span_id: str | None = None
    """16 hex digits of the span that the event belongs to."""


class PendingSpan:
    """An ended span of our own: facts now, attributes when the delivery thread asks for them.

    Ids are 0 where there is none (a root span has no parent); `kind` is OTLP's number.
    """

    __slots__ = (
        "end_time_unix_nano",
        "is_failed",
        "kind",
        "name",
        "parent_span_id",
        "size",
        "span_id",
        "start_time_unix_nano",
        "trace_id",
    )

    name: str
    kind: int
    trace_id: int
    span_id: int
    parent_span_id: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    is_failed: bool
    size: int
    """Estimated bytes."""

    def build(self) -> tuple[Mapping[str, AttributeValue], str]:
        """Its attributes, and the text of its error."""
        raise NotImplementedError


Record: TypeAlias = PendingSpan | ReadableSpan | MetricPoint | LogEvent

# Rough wire size of the fixed fields of a record and of one attribute beside its text; the bound
# on bytes needs the right magnitude at the cost of a few additions, not an exact figure.
_RECORD_BYTES = 200
_ATTRIBUTE_BYTES = 16


def estimated_bytes(record: Record) -> int:
    """Estimated memory and wire size of one record, bytes."""
    if isinstance(record, PendingSpan):
        return record.size
    size = _RECORD_BYTES + _attributes_bytes(record.attributes)
    if isinstance(record, ReadableSpan):
        for event in record.events:
            size += _RECORD_BYTES + _attributes_bytes(event.attributes)
        size += _RECORD_BYTES * len(record.links)
    elif isinstance(record, LogEvent) and record.body is not None:
        size += len(record.body)
    return size


def _attributes_bytes(attributes: Mapping[str, Any] | None) -> int:
    if not attributes:
        return 0
    size = 0
    for name, value in attributes.items():
        size += _ATTRIBUTE_BYTES + len(name)
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, Sequence):
            size += sum(len(item) if isinstance(item, str) else 8 for item in value)
    return size
