"""Our own encoder against the protobuf library's reading of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tachograph._internal.building import Builder
from tachograph._internal.delivery import LogEvent, MetricPoint
from tachograph._internal.delivery.otlp import body, encode, rejected_records
from tachograph._internal.delivery.records import Record
from tachograph._internal.delivery.wire import attribute, fields, framed, varint
from tachograph._internal.record import SpanRecord
from tachograph.semconv import SCHEMA_URL
from tachograph.types import LimitOptions

RESOURCE = Resource({"service.name": "test", "n": 3})
SCALARS = st.one_of(
    st.text(max_size=300),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)
VALUES = st.one_of(SCALARS, st.lists(st.text(max_size=5)), st.lists(st.integers(0, 2**40)))


def request(*records: Record) -> bytes:
    return body([encode(record, 0) for record in records], RESOURCE)


@given(st.integers(0, 2**64 - 1))
def test_numbers_come_back(number: int) -> None:
    assert list(fields(b"\x08" + varint(number))) == [(1, number)]


@given(st.text(max_size=40), VALUES)
def test_attributes_are_what_the_library_reads(name: str, value: Any) -> None:
    tagged = attribute(b"\x4a", name, value)
    ((number, content),) = fields(tagged)
    assert number == 9
    assert isinstance(content, bytes)
    read = KeyValue.FromString(content)
    assert read.key == name
    kind = read.value.WhichOneof("value")
    if isinstance(value, list):
        assert kind == "array_value"
        assert [getattr(v, str(v.WhichOneof("value"))) for v in read.value.array_value.values] == (
            value
        )
    else:
        assert getattr(read.value, str(kind)) == value
        assert type(getattr(read.value, str(kind))) is type(value)


def test_what_has_no_form_in_utf8_or_64_bits_is_replaced() -> None:
    for value, expected in (("a\ud800b", "a?b"), (2**63, hex(2**63)), (10**5000, hex(10**5000))):
        ((_, content),) = fields(attribute(b"\x4a", "x", value))
        assert isinstance(content, bytes)
        assert KeyValue.FromString(content).value == AnyValue(string_value=expected)
    with pytest.raises(TypeError, match="object"):
        attribute(b"\x4a", "x", object())


def full_spans() -> list[ReadableSpan]:
    """Spans that use every field: events, links, remote parents, trace state, errors, limits."""
    provider = TracerProvider(resource=RESOURCE, span_limits=SpanLimits(max_attributes=6))
    plain = provider.get_tracer("plain")
    rich = provider.get_tracer(
        "rich", "1.2", schema_url="https://example.org/1", attributes={"k": "v"}
    )
    remote = SpanContext(
        7,
        8,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("a", "b"), ("c", "d")]),
    )
    parent = set_span_in_context(NonRecordingSpan(remote))
    first = plain.start_span(
        "ünï", kind=SpanKind.SERVER, context=parent, links=[Link(remote, {"l": 1})]
    )
    first.add_event("happened", {"why": ["a", "b"]}, timestamp=5)
    first.set_attributes({"s": "x", "b": True, "i": -3, "f": 0.5, "l": [1, 2], "e": []})
    first.set_status(Status(StatusCode.ERROR, "broken"))
    second = rich.start_span("", kind=SpanKind.CONSUMER)
    for number in range(8):
        second.set_attribute(f"n{number}", number)
    third = plain.start_span("ok")
    third.set_status(Status(StatusCode.OK))
    spans: list[ReadableSpan] = []
    for span in (first, second, third):
        span.end()
        assert isinstance(span, ReadableSpan)
        spans.append(span)
    return spans


def flattened(request: ExportTraceServiceRequest) -> list[tuple[Any, ...]]:
    return [
        (of_resource.resource, of_scope.scope, of_scope.schema_url, span)
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]


def test_spans_of_the_sdk_are_encoded_as_its_own_exporter_does() -> None:
    spans = full_spans()
    ours = ExportTraceServiceRequest.FromString(request(*spans))
    assert flattened(ours) == flattened(encode_spans(spans))


def test_an_own_span_has_all_its_fields() -> None:
    record = SpanRecord(
        "chat ünï", 3, 5, 6, 7, True, {"a": 1, "b": ("x",)}, Builder(None, LimitOptions())
    )
    record.around = {"tachograph.tenant": "acme"}
    record.own = {"mine": [1.5, 2.5]}
    record.put("gen_ai.input.messages", "text", "replaced")
    record.put("gen_ai.input.messages", "user_messages", "why?")
    record.is_failed, record.error_text = True, "broken"
    record.end_time_unix_nano = record.start_time_unix_nano + 1000
    read = ExportTraceServiceRequest.FromString(request(record))
    ((of_scope,),) = [of_resource.scope_spans for of_resource in read.resource_spans]
    assert (of_scope.scope.name, of_scope.schema_url) == ("tachograph", SCHEMA_URL)
    assert len(read.resource_spans[0].resource.attributes) == 2
    (span,) = of_scope.spans
    assert (span.name, span.kind, span.flags) == ("chat ünï", 3, 0x100)
    assert (span.trace_id.hex(), span.span_id.hex()) == (f"{5:032x}", f"{6:016x}")
    assert span.parent_span_id.hex() == f"{7:016x}"
    assert span.end_time_unix_nano - span.start_time_unix_nano == 1000
    assert (span.status.code, span.status.message) == (2, "broken")
    assert {pair.key for pair in span.attributes} == {
        "a",
        "b",
        "mine",
        "tachograph.tenant",
        "tachograph.observer",
        "tachograph.content.capture",
        "gen_ai.input.messages",
    }


def test_points_and_events_have_all_their_fields() -> None:
    points = (
        MetricPoint(
            name="p", unit="W", kind="gauge", value=1.5, time_unix_nano=5, attributes={"a": 1}
        ),
        MetricPoint(
            name="c", unit="1", kind="counter", value=-7, time_unix_nano=6, start_time_unix_nano=4
        ),
    )
    (of_resource,) = ExportMetricsServiceRequest.FromString(request(*points)).resource_metrics
    gauge, counter = of_resource.scope_metrics[0].metrics
    (point,) = gauge.gauge.data_points
    assert (gauge.name, gauge.unit, point.as_double, point.time_unix_nano) == ("p", "W", 1.5, 5)
    assert point.attributes[0].value.int_value == 1
    (point,) = counter.sum.data_points
    assert (counter.sum.is_monotonic, counter.sum.aggregation_temporality) == (True, 2)
    assert (point.as_int, point.start_time_unix_nano) == (-7, 4)
    event = LogEvent(
        name="e",
        time_unix_nano=9,
        attributes={"a": "b"},
        body="text",
        trace_id="a" * 32,
        span_id="b" * 16,
    )
    (of_logs,) = ExportLogsServiceRequest.FromString(request(event)).resource_logs
    (log,) = of_logs.scope_logs[0].log_records
    assert (log.event_name, log.time_unix_nano, log.observed_time_unix_nano) == ("e", 9, 9)
    assert (log.body.string_value, log.trace_id.hex(), log.span_id.hex()) == (
        "text",
        "a" * 32,
        "b" * 16,
    )


def test_answers_say_what_was_refused() -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 300
    answer.partial_success.error_message = "too old: ü"
    assert rejected_records(answer.SerializeToString()) == (300, "too old: ü")
    assert rejected_records(b"") == (0, "")
    assert rejected_records(b"<html>not OTLP</html>") == (0, "")
    assert rejected_records(framed(b"\x0a", b"\x08\xff")) == (0, "")


@given(st.binary(max_size=60))
def test_answers_of_any_bytes_do_no_harm(answer: bytes) -> None:
    count, _ = rejected_records(answer)
    assert count >= 0
