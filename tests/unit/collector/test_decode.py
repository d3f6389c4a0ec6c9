"""Bodies to messages: both encodings agree, and bad ones are told what is wrong."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph_collector.errors import ApiError
from tachograph_collector.otlp.compression import decompress
from tachograph_collector.otlp.decode import Encoding, decode, encoding_of

REQUEST_TYPES = [ExportTraceServiceRequest, ExportMetricsServiceRequest, ExportLogsServiceRequest]
SPAN = {
    "traceId": "0AF7651916CD43DD8448EB211C80319C",
    "spanId": "b7ad6b7169203331",
    "parentSpanId": "",
    "name": "chat",
    "kind": 3,
    "startTimeUnixNano": "1700000000000000001",
    "endTimeUnixNano": 1700000000000000002,
    "attributes": [
        {"key": "n", "value": {"intValue": "7"}},
        {"key": "l", "value": {"arrayValue": {"values": [{"doubleValue": 0.5}]}}},
        {"key": "b", "value": {"bytesValue": "AAE="}},
    ],
    "links": [{"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}],
    "unknownField": {"deep": [1]},
}


def _json_body(span: object) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def test_json_ids_are_hexadecimal() -> None:
    request = decode(_json_body(SPAN), Encoding.JSON, ExportTraceServiceRequest)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span.links[0].span_id.hex() == "b7ad6b7169203331"
    assert span.start_time_unix_nano == 1700000000000000001
    assert span.kind == 3
    assert span.attributes[0].value.int_value == 7
    assert span.attributes[2].value.bytes_value == b"\x00\x01"


def test_both_encodings_give_the_same_message() -> None:
    from_json = decode(_json_body(SPAN), Encoding.JSON, ExportTraceServiceRequest)
    from_protobuf = decode(
        from_json.SerializeToString(), Encoding.PROTOBUF, ExportTraceServiceRequest
    )
    assert from_json == from_protobuf


@pytest.mark.parametrize("trace_id", ["xyz", "0af", "0af7651916cd43dd8448eb211c80319c00"])
def test_a_bad_id_does_not_fail_the_whole_body(trace_id: str) -> None:
    request = decode(
        _json_body({**SPAN, "traceId": trace_id}), Encoding.JSON, ExportTraceServiceRequest
    )
    assert len(request.resource_spans[0].scope_spans[0].spans[0].trace_id) != 16


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 5}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": ["x"]}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "x"}]}]}]}',
        b'{"resourceSpans": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"\xff\xfe",
    ],
)
def test_malformed_json_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        decode(body, Encoding.JSON, ExportTraceServiceRequest)
    assert caught.value.status == 400


@given(body=st.binary(max_size=400), encoding=st.sampled_from(Encoding), kind=st.integers(0, 2))
def test_any_bytes_are_a_request_or_a_refusal(body: bytes, encoding: Encoding, kind: int) -> None:
    try:
        decode(body, encoding, REQUEST_TYPES[kind])
    except ApiError as error:
        assert error.status == 400


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceSpans", "scopeSpans", "spans", "traceId", "attributes", "key", "value",
                 "intValue", "arrayValue", "values", "kind", "startTimeUnixNano", "events", "name"]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(document=_JSON)
def test_any_json_is_a_request_or_a_refusal(document: object) -> None:
    body = json.dumps({"resourceSpans": document}).encode()
    try:
        decode(body, Encoding.JSON, ExportTraceServiceRequest)
    except ApiError as error:
        assert error.status == 400


def test_content_types() -> None:
    assert encoding_of("application/x-protobuf") is Encoding.PROTOBUF
    assert encoding_of("Application/JSON; charset=utf-8") is Encoding.JSON
    for wrong in ("", "text/plain", "application/protobuf", "multipart/form-data"):
        with pytest.raises(ApiError) as caught:
            encoding_of(wrong)
        assert caught.value.status == 415


def test_gzip_is_undone_within_the_limit() -> None:
    body = b"spans" * 1000
    assert decompress(gzip.compress(body), "gzip", 5000) == body
    assert decompress(gzip.compress(b"a") + gzip.compress(b"b"), "GZIP", 10) == b"ab"
    assert decompress(body, "identity", 5000) == body


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"x" * 5001), "gzip", 413),
        (gzip.compress(b"x" * 3000) + gzip.compress(b"y" * 3000), "gzip", 413),
        (b"x" * 5001, "", 413),
        (gzip.compress(b"x" * 100)[:-9], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (b"", "gzip", 400),
        (gzip.compress(b"") * 100, "gzip", 400),
        (b"x", "br", 415),
    ],
)
def test_bad_compression_is_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(ApiError) as caught:
        decompress(body, encoding, 5000)
    assert caught.value.status == status
