"""The test kit: ids and times that repeat, a receiver that reads OTLP as the library does."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

import tachograph
from tachograph._internal.errors import raise_in_tests
from tachograph.testing import ManualClock, ReceivedSpan, recording
from tachograph.testing.otlp import decode_events, decode_points, decode_spans


def record_twice() -> list[ReceivedSpan]:
    clock = ManualClock()
    with recording(clock=clock) as receiver:
        with tachograph.generation("m") as g:
            clock.advance(0.5)
            g.chunk()
            clock.advance(0.25)
            g.chunk()
        clock.advance(10)
        with tachograph.span("later"):
            clock.advance(1)
        assert tachograph.flush(10)
    return receiver.spans


def test_ids_and_times_repeat() -> None:
    first, second = (
        [(s.trace_id, s.span_id, s.start_time, s.end_time, dict(s.attributes)) for s in spans]
        for spans in (record_twice(), record_twice())
    )
    assert first == second
    generation, later = first
    assert generation[:2] == (f"{1:032x}", f"{1:016x}")
    assert generation[2:4] == (1_800_000_000_000_000_000, 1_800_000_000_750_000_000)
    assert later[2] - generation[3] == 10_000_000_000
    assert generation[4]["gen_ai.response.time_to_first_chunk"] == 0.5
    assert generation[4]["tachograph.stream.gap.max"] == 0.25


def test_the_real_clock_is_back_afterwards() -> None:
    record_twice()
    with recording() as receiver:
        with tachograph.span("now"):
            pass
        assert tachograph.flush(10)
    assert receiver.spans[0].start_time != 1_800_000_000_000_000_000


def test_internal_errors_show_in_recordings_and_nowhere_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    former = raise_in_tests(False)
    try:
        with recording(), pytest.raises(ValueError, match="value"):
            tachograph.score("s", 7, trace_id="0" * 31 + "1", span_id="0" * 15 + "1")
        tachograph.init(endpoint="http://127.0.0.1:9")
        assert tachograph.score("s", 7, trace_id="0" * 31 + "1", span_id="0" * 15 + "1") is False
        assert "value: needs a number" in caplog.text
        tachograph.shutdown(1)
    finally:
        raise_in_tests(former)


def test_spans_are_read_as_the_library_writes_them() -> None:
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    name = of_resource.resource.attributes.add(key="service.name")
    name.value.string_value = "s"
    of_scope = of_resource.scope_spans.add(schema_url="u")
    of_scope.scope.name = "scope"
    span = of_scope.spans.add(name="ä", kind=3, trace_id=b"t" * 16, span_id=b"s" * 8)
    span.start_time_unix_nano, span.end_time_unix_nano = 2**62, 2**62 + 1
    span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "no"
    scalars: tuple[tuple[str, str, object], ...] = (
        ("text", "string_value", ""),
        ("no", "bool_value", False),
        ("negative", "int_value", -3),
        ("half", "double_value", 0.5),
        ("bytes", "bytes_value", b"b"),
    )
    for key, kind, value in scalars:
        setattr(span.attributes.add(key=key).value, kind, value)
    many = span.attributes.add(key="many").value.array_value
    many.values.add().string_value = "a"
    many.values.add().int_value = 7
    span.attributes.add(key="nested").value.kvlist_value.values.add(key="k").value.int_value = 1
    span.attributes.add(key="nothing")
    (read,) = decode_spans(request.SerializeToString())
    assert read == ReceivedSpan(
        name="ä",
        trace_id=(b"t" * 16).hex(),
        span_id=(b"s" * 8).hex(),
        parent_span_id="",
        kind=3,
        start_time=2**62,
        end_time=2**62 + 1,
        status_code=2,
        status_message="no",
        attributes={
            "text": "",
            "no": False,
            "negative": -3,
            "half": 0.5,
            "bytes": b"b",
            "many": ["a", 7],
            "nested": {"k": 1},
            "nothing": None,
        },
        resource={"service.name": "s"},
        scope="scope",
        schema_url="u",
    )


def test_points_and_events_are_read_as_the_library_writes_them() -> None:
    metrics = ExportMetricsServiceRequest()
    of_scope = metrics.resource_metrics.add().scope_metrics.add()
    gauge = of_scope.metrics.add(name="g", unit="1")
    gauge.gauge.data_points.add(as_double=-0.5, time_unix_nano=5)
    counter = of_scope.metrics.add(name="c", unit="By")
    counter.sum.data_points.add(as_int=-2, time_unix_nano=6)
    read = [(p.name, p.unit, p.kind, p.value, p.time) for p in decode_points(
        metrics.SerializeToString()
    )]  # fmt: skip
    assert read == [("g", "1", "gauge", -0.5, 5), ("c", "By", "counter", -2, 6)]
    logs = ExportLogsServiceRequest()
    log = (
        logs.resource_logs.add().scope_logs.add().log_records.add(event_name="e", span_id=b"s" * 8)
    )
    log.time_unix_nano = 9
    (event,) = decode_events(logs.SerializeToString())
    assert (event.name, event.span_id, event.trace_id, event.time) == ("e", (b"s" * 8).hex(), "", 9)
