"""Bodies to messages: both encodings agree, and bad ones are told what is wrong."""

import gzip
import json
import random
import tracemalloc

import pytest
from backports import zstd
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


def test_zstd_is_undone_within_the_limit() -> None:
    body = b"spans" * 1000
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    assert decompress(zstd.compress(body), "zstd", 5000) == body
    assert decompress(zstd.compress(b"a") + zstd.compress(b"b"), "ZSTD", 10) == b"ab"
    assert decompress(zstd.compress(b"a") + skippable + zstd.compress(b"b"), "zstd", 10) == b"ab"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(encoding: str) -> None:
    zeros = bytes(256 << 20)
    bomb = gzip.compress(zeros, 1) if encoding == "gzip" else zstd.compress(zeros)
    del zeros
    tracemalloc.start()
    with pytest.raises(ApiError) as caught:
        decompress(bomb, encoding, 1 << 20)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak_bytes < 16 << 20


def test_a_zstd_frame_may_not_ask_for_a_large_window() -> None:
    body = random.Random(1).randbytes(1 << 20)
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    compressor = zstd.ZstdCompressor(options=options)  # of unknown length: the window stays
    frame = compressor.compress(body) + compressor.flush()
    with pytest.raises(ApiError, match="not valid zstd") as caught:
        decompress(frame, "zstd", 1 << 22)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"x" * 5001, mtime=0), "gzip", 413),
        (gzip.compress(b"x" * 3000, mtime=0) + gzip.compress(b"y" * 3000, mtime=0), "gzip", 413),
        (b"x" * 5001, "", 413),
        (gzip.compress(b"x" * 100, mtime=0)[:-9], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (b"", "gzip", 400),
        (gzip.compress(b"", mtime=0) * 100, "gzip", 400),
        (zstd.compress(b"x" * 5001), "zstd", 413),
        (zstd.compress(b"x" * 3000) + zstd.compress(b"y" * 3000), "zstd", 413),
        (zstd.compress(b"x" * 100)[:-3], "zstd", 400),
        (b"no zstd", "zstd", 400),
        (b"", "zstd", 400),
        (zstd.compress(b"") * 100, "zstd", 400),
        (b"x", "br", 415),
    ],
)
def test_bad_compression_is_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(ApiError) as caught:
        decompress(body, encoding, 5000)
    assert caught.value.status == status
