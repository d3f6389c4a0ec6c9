"""Whatever valid OTLP comes in, every span is stored exactly once or rejected with a reason, over HTTP and gRPC."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.fixtures import any_otlp

from tachograph_store.client import Store


def _over_http(api: Any, body: bytes) -> bytes:
    answer = api.post_traces(body)
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def _over_grpc(api: Any, body: bytes) -> bytes:
    metadata = [("authorization", api.client.headers["authorization"])]
    with grpc.insecure_channel(api.client.get("/healthz").json()["grpc"]) as channel:
        method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        export: Any = channel.unary_unary(method)
        return bytes(export(body, metadata=metadata, timeout=60))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    send=st.sampled_from([_over_http, _over_grpc]),
    spans=st.lists(any_otlp.spans(any_otlp.repeating_attributes), max_size=12),
    resource=any_otlp.repeating_attributes,
    split=st.integers(0, 12),
)
def test_every_span_is_stored_once_or_rejected(
    api_for: Any,
    make_key: Any,
    reader_store: Store,
    send: Callable[[Any, bytes], bytes],
    spans: list[Span],
    resource: list[KeyValue],
    split: int,
) -> None:
    project = f"any-{time.time_ns()}"
    api = api_for(make_key(project))
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(resource)
    resource_spans.scope_spans.add().spans.extend(spans[:split])
    resource_spans.scope_spans.add().spans.extend(spans[split:])
    answer = send(api, request.SerializeToString())
    api.settle()
    good = [
        (span.trace_id.hex(), span.span_id.hex())
        for span in spans
        if any(span.trace_id) and len(span.span_id) == 8 and _is_in_window(span)
    ]
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == len(spans) - len(good)
    assert bool(partial.error_message) == (len(spans) > len(good))
    stored = reader_store.query(
        "SELECT trace_id, span_id FROM spans WHERE project = {project:String}",
        {"project": project},
    )
    assert Counter((row["trace_id"], row["span_id"]) for row in stored) == Counter(set(good))
    for trace_id, _ in set(good):
        assert api.client.get(f"/api/v1/traces/{trace_id}").status_code == 200


def _is_in_window(span: Span) -> bool:
    age_ns = time.time_ns() - span.start_time_unix_nano
    return -300 * 10**9 < age_ns < 86_400 * 10**9
