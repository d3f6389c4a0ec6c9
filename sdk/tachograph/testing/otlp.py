"""What arrived, read from OTLP's wire format (opentelemetry-proto 1.x; field numbers are its own)."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tachograph._internal.delivery.wire import fields

Fields: TypeAlias = dict[int, list[Any]]
"""Field number -> its values, in order."""


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str
    kind: int
    start_time: int
    end_time: int
    status_code: int
    status_message: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    scope: str
    schema_url: str


@dataclass(frozen=True, slots=True)
class ReceivedPoint:
    """A metric data point as it arrived."""

    name: str
    unit: str
    kind: str
    value: float
    time: int
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A log event as it arrived."""

    name: str
    trace_id: str
    span_id: str
    time: int
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


def decode_spans(body: bytes) -> list[ReceivedSpan]:
    """The spans of an OTLP trace request."""
    found = []
    for resource, scope, schema_url, message in _records(body):
        span = _fields(message)
        status = _fields(_one(span, 15, b""))
        found.append(
            ReceivedSpan(
                name=_text(span, 5),
                trace_id=_one(span, 1, b"").hex(),
                span_id=_one(span, 2, b"").hex(),
                parent_span_id=_one(span, 4, b"").hex(),
                kind=_one(span, 6, 0),
                start_time=_fixed(span, 7),
                end_time=_fixed(span, 8),
                status_code=_one(status, 3, 0),
                status_message=_text(status, 2),
                attributes=_attributes(span, 9),
                resource=resource,
                scope=scope,
                schema_url=schema_url,
            )
        )
    return found


def decode_points(body: bytes) -> list[ReceivedPoint]:
    """The gauge and sum points of an OTLP metrics request."""
    found = []
    for resource, _, _, message in _records(body):
        metric = _fields(message)
        for number, kind in ((7, "counter"), (5, "gauge")):
            for data in metric.get(number, ()):
                for point in map(_fields, _fields(data).get(1, ())):
                    found.append(
                        ReceivedPoint(
                            name=_text(metric, 1),
                            unit=_text(metric, 3),
                            kind=kind,
                            value=_number(point),
                            time=_fixed(point, 3),
                            attributes=_attributes(point, 7),
                            resource=resource,
                        )
                    )
    return found


def decode_events(body: bytes) -> list[ReceivedEvent]:
    """The log records of an OTLP logs request."""
    found = []
    for resource, _, _, message in _records(body):
        log = _fields(message)
        found.append(
            ReceivedEvent(
                name=_text(log, 12),
                trace_id=_one(log, 9, b"").hex(),
                span_id=_one(log, 10, b"").hex(),
                time=_fixed(log, 1),
                attributes=_attributes(log, 6),
                resource=resource,
            )
        )
    return found


def _records(body: bytes) -> Iterator[tuple[Mapping[str, Any], str, str, bytes]]:
    """Resource, scope, schema URL and each span, metric or log record: requests of the three
    signals are nested alike."""
    for of_resource in map(_fields, _fields(body).get(1, ())):
        resource = _attributes(_fields(_one(of_resource, 1, b"")), 1)
        for of_scope in map(_fields, of_resource.get(2, ())):
            scope = _text(_fields(_one(of_scope, 1, b"")), 1)
            for message in of_scope.get(2, ()):
                yield resource, scope, _text(of_scope, 3), message


def _fields(message: bytes) -> Fields:
    found: Fields = {}
    for number, value in fields(message):
        found.setdefault(number, []).append(value)
    return found


def _one(message: Fields, number: int, default: Any) -> Any:
    return message[number][-1] if number in message else default


def _text(message: Fields, number: int) -> str:
    return bytes(_one(message, number, b"")).decode()


def _fixed(message: Fields, number: int) -> int:
    return int.from_bytes(_one(message, number, b""), "little")


def _number(point: Fields) -> float:
    if 6 in point:
        return int.from_bytes(point[6][-1], "little", signed=True)
    return float(struct.unpack("<d", _one(point, 4, bytes(8)))[0])


def _attributes(message: Fields, number: int) -> dict[str, Any]:
    pairs = map(_fields, message.get(number, ()))
    return {_text(pair, 1): _value(_fields(_one(pair, 2, b""))) for pair in pairs}


def _value(value: Fields) -> Any:
    """An `AnyValue`; None where it holds nothing."""
    for number, found in value.items():
        content = found[-1]
        if number == 1:
            return content.decode()
        if number == 2:
            return bool(content)
        if number == 3:
            return content - (1 << 64) if content >= 1 << 63 else content
        if number == 4:
            return struct.unpack("<d", content)[0]
        if number == 5:
            return [_value(_fields(item)) for item in _fields(content).get(1, ())]
        if number == 6:
            return _attributes(_fields(content), 1)
        return content
    return None
