"""Bodies that would take a hundred times their size in memory are refused before they are parsed."""

import time
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph_collector.errors import ApiError
from tachograph_collector.otlp import record_count
from tachograph_collector.otlp.decode import Encoding, decode

REQUESTS: list[type[Message]] = [
    ExportTraceServiceRequest,
    ExportMetricsServiceRequest,
    ExportLogsServiceRequest,
]


def _within(tags: bytes, content: bytes) -> bytes:
    """`content` as the field `tags[-1]` of the field `tags[-2]` … of a request."""
    for tag in reversed(tags):
        size = len(content)
        prefix = bytearray([tag])
        while size > 0x7F:
            prefix.append(size & 0x7F | 0x80)
            size >>= 7
        prefix.append(size)
        content = bytes(prefix) + content
    return content


RESOURCE = b"\x0a"
SCOPE = b"\x0a\x12"
RECORD = b"\x0a\x12\x12"


@pytest.mark.parametrize("request_type", REQUESTS)
@pytest.mark.parametrize(
    ("around", "unit"),
    [(b"", b"\x0a\x00"), (RESOURCE, b"\x12\x00"), (SCOPE, b"\x12\x00"), (SCOPE, b"\x12\x02\x20\x01")],
)  # fmt: skip
def test_empty_records_are_refused(
    monkeypatch: pytest.MonkeyPatch, request_type: type[Message], around: bytes, unit: bytes
) -> None:
    monkeypatch.setattr(record_count, "MAX_RECORDS", 10_000)
    body = _within(around, unit * (record_count.MAX_RECORDS + 1))
    with pytest.raises(ApiError) as refused:
        decode(body, Encoding.PROTOBUF, request_type)
    assert (refused.value.status, refused.value.code) == (413, "too_many_records")
    assert refused.value.field == "body" and refused.value.remedy


@pytest.mark.parametrize("around", [RECORD + b"\x2a", RECORD + b"\x2a\x3a"])  # of a gauge
def test_empty_points_are_refused(around: bytes) -> None:
    body = _within(around[:4], b"\x0a\x00" * (record_count.MAX_RECORDS + 1))
    with pytest.raises(ApiError, match="too_many_records"):
        decode(body, Encoding.PROTOBUF, ExportMetricsServiceRequest)


@pytest.mark.parametrize(
    ("around", "unit"),
    [
        (RECORD, b"\x4a\x00"),  # attributes
        (RECORD, b"\xca\x80\x00\x00"),  # attributes under keys longer than they need to be
        (RECORD, b"\x5a\x00"),  # events
        (RECORD, b"\x6a\x00"),  # links
        (RECORD + b"\x5a", b"\x1a\x00"),  # attributes of one event
        (RECORD + b"\x4a\x12\x2a", b"\x0a\x00"),  # values of one array
        (b"\x0a\x0a", b"\x0a\x00"),  # attributes of the resource
    ],
)
def test_empty_messages_inside_a_record_are_refused(
    monkeypatch: pytest.MonkeyPatch, around: bytes, unit: bytes
) -> None:
    monkeypatch.setattr(record_count, "MAX_MESSAGES", 50_000)  # the real bound takes seconds
    body = _within(around, unit * (record_count.MAX_MESSAGES + 1))
    with pytest.raises(ApiError, match="too_many_records"):
        decode(body, Encoding.PROTOBUF, ExportTraceServiceRequest)


def test_objects_of_json_are_bounded() -> None:
    body = b'{"resourceSpans":[' + b"{}," * record_count.MAX_JSON_OBJECTS + b"{}]}"
    with pytest.raises(ApiError, match="too_many_records"):
        decode(body, Encoding.JSON, ExportTraceServiceRequest)


def test_a_large_body_of_real_spans_is_taken_and_counted_exactly() -> None:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for index in range(1000):
        span = spans.add(trace_id=bytes(16), span_id=bytes(8), start_time_unix_nano=index)
        span.attributes.add(key="text").value.string_value = "\x12\x00" * 5_000
        span.status.message = "x"
    body = request.SerializeToString()
    assert len(body) > 2 * record_count.MAX_MESSAGES
    assert decode(body, Encoding.PROTOBUF, ExportTraceServiceRequest) == request
    count = record_count._count
    descriptor: Any = ExportTraceServiceRequest.DESCRIPTOR
    assert count(body, descriptor, 10**9, False) == 2 + 1000
    assert count(body, descriptor, 10**9, True) == 2 + 4 * 1000


@given(
    body=st.binary(max_size=200)
    | st.lists(
        st.sampled_from([b"\x0a", b"\x12", b"\x4a", b"\x03", b"\x04", b"\x80", b"\xff", b"\x00"]),
        max_size=60,
    ).map(b"".join)
)
def test_any_bytes_are_counted_in_linear_time(body: bytes) -> None:
    began = time.process_time()
    for request_type in REQUESTS:
        for into_records in (False, True):
            descriptor: Any = request_type.DESCRIPTOR
            counted = record_count._count(body, descriptor, 10**9, into_records)
            assert 0 <= counted <= len(body)
    assert time.process_time() - began < 5
