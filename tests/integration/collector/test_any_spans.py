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
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tachograph_collector.translate.columns import CONTENT_COLUMNS, TYPED_COLUMNS
from tachograph_store.client import Store

NAMES = [*TYPED_COLUMNS, *CONTENT_COLUMNS, "tachograph.counted", "tachograph.truncated",
         "gen_ai.prompt.0.role", "gen_ai.prompt.0.content", "gen_ai.completion.3.content",
         "gen_ai.usage.cost.currency"]  # fmt: skip

_ANY_VALUES = st.recursive(
    st.one_of(
        st.builds(lambda v: AnyValue(string_value=v), st.text(max_size=20)),
        st.builds(lambda v: AnyValue(int_value=v), st.integers(-(2**63), 2**63 - 1)),
        st.builds(lambda v: AnyValue(double_value=v), st.floats()),
        st.builds(lambda v: AnyValue(bool_value=v), st.booleans()),
        st.builds(lambda v: AnyValue(bytes_value=v), st.binary(max_size=10)),
        st.just(AnyValue()),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda v: AnyValue(array_value=ArrayValue(values=v)), st.lists(inner, max_size=3)
        ),
        st.builds(
            lambda v: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=k, value=x) for k, x in v.items()])
            ),
            st.dictionaries(st.text(max_size=5), inner, max_size=3),
        ),
    ),
    max_leaves=5,
)
_ATTRIBUTES = st.lists(
    st.builds(
        lambda key, value: KeyValue(key=key, value=value),
        st.sampled_from(NAMES) | st.text(max_size=10),
        _ANY_VALUES,
    ),
    max_size=8,
)
_IDS = st.integers(0, 5)


@st.composite
def _spans(draw: st.DrawFn) -> Span:
    now = time.time_ns()
    start = now + draw(st.sampled_from([-(10**9), -(10**13), -(10**18), 10**13, -now]))
    trace_id, span_id = draw(_IDS), draw(_IDS)
    return Span(
        trace_id=bytes(16) if trace_id == 0 else trace_id.to_bytes(1, "big") * 16,
        span_id=b"\x07" * 3 if span_id == 0 else span_id.to_bytes(1, "big") * 8,
        parent_span_id=draw(st.sampled_from([b"", b"\x01" * 8, bytes(8)])),
        name=draw(st.text(max_size=20)),
        kind=draw(st.integers(0, 5)),  # type: ignore[arg-type]
        start_time_unix_nano=start,
        end_time_unix_nano=start + draw(st.sampled_from([0, 1, 10**9])),
        attributes=draw(_ATTRIBUTES),
        status=Status(code=draw(st.integers(0, 2)), message=draw(st.text(max_size=5))),  # type: ignore[arg-type]
        events=[
            Span.Event(name=name, time_unix_nano=draw(st.integers(0, 2**64 - 1)))
            for name in draw(st.lists(st.text(max_size=5), max_size=3))
        ],
        links=[Span.Link(trace_id=b"\x01" * length) for length in draw(st.lists(st.just(16)))],
    )


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
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    send=st.sampled_from([_over_http, _over_grpc]),
    spans=st.lists(_spans(), max_size=12),
    resource=_ATTRIBUTES,
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
