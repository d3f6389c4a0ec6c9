"""The same spans over any transport, encoding and compression are the same rows."""

import gzip
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span
from tests.fixtures.any_otlp import attributes, spans
from tests.fixtures.otlp_json import json_of

from tachograph_store.client import Store

JSON = {"content-type": "application/json"}
# Of a row, when and in which block it was written may differ.
_ROWS = """
SELECT * EXCEPT (project, stored_at, version, booked_by, booked_block)
FROM spans WHERE project = {project:String}
"""
PROTOBUF = {"content-type": "application/x-protobuf"}
Send = Callable[[Any, bytes], None]


def _post(body: bytes, headers: Mapping[str, str], api: Any) -> None:
    answer = api.client.post("/v1/traces", content=body, headers={**PROTOBUF, **headers})
    assert answer.status_code == 200, answer.text


def _plain(api: Any, body: bytes) -> None:
    _post(body, {}, api)


def _gzip(api: Any, body: bytes) -> None:
    _post(gzip.compress(body), {"content-encoding": "gzip"}, api)


def _gzip_members(api: Any, body: bytes) -> None:
    half = len(body) // 2
    members = gzip.compress(body[:half]) + gzip.compress(body[half:])
    _post(members, {"content-encoding": "gzip"}, api)


def _zstd(api: Any, body: bytes) -> None:
    _post(zstd.compress(body), {"content-encoding": "zstd"}, api)


def _json(api: Any, body: bytes) -> None:
    _post(json_of(ExportTraceServiceRequest.FromString(body)), JSON, api)


def _grpc(api: Any, body: bytes) -> None:
    _call(api, body, grpc.Compression.NoCompression)


def _grpc_gzip(api: Any, body: bytes) -> None:
    _call(api, body, grpc.Compression.Gzip)


def _call(api: Any, body: bytes, compression: grpc.Compression) -> None:
    metadata = [("authorization", api.client.headers["authorization"])]
    with grpc.insecure_channel(api.client.get("/healthz").json()["grpc"]) as channel:
        export: Any = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        )
        export(body, metadata=metadata, timeout=60, compression=compression)


def _shuffled(attributes: Any, order: random.Random) -> None:
    copies = [KeyValue.FromString(attribute.SerializeToString()) for attribute in attributes]
    order.shuffle(copies)
    del attributes[:]
    attributes.extend(copies)


def _in_pieces(api: Any, body: bytes) -> None:
    """Each span in a request of its own, in another order, and each sent twice: the second time with
    its attributes in another order, and those of its resource and events."""
    request = ExportTraceServiceRequest.FromString(body)
    order = random.Random(7)
    pieces = []
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                piece = ExportTraceServiceRequest()
                alone = piece.resource_spans.add(resource=resource_spans.resource)
                alone.scope_spans.add(scope=scope_spans.scope, spans=[span])
                pieces.append(piece.SerializeToString())
                _shuffled(alone.resource.attributes, order)
                (copy,) = alone.scope_spans[0].spans
                _shuffled(copy.attributes, order)
                for event in copy.events:
                    _shuffled(event.attributes, order)
                pieces.append(piece.SerializeToString())
    order.shuffle(pieces)
    for piece_body in pieces:
        _post(piece_body, {}, api)


WAYS: list[Send] = [
    _gzip, _gzip_members, _zstd, _json, _grpc, _grpc_gzip, _in_pieces,
]  # fmt: skip


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(resource=attributes, batch=st.lists(spans(), min_size=1, max_size=4))
def test_every_way_gives_the_same_rows(
    api_for: Any,
    make_key: Any,
    reader_store: Store,
    resource: list[Any],
    batch: list[Span],
) -> None:
    now = time.time_ns()
    for index, span in enumerate(batch):  # of acceptable ids and times; test_any_spans has others
        span.trace_id, span.span_id = uuid.uuid4().bytes, uuid.uuid4().bytes[:8]
        span.start_time_unix_nano = now - index * 10**9
        span.end_time_unix_nano = now
    resource_spans = ResourceSpans()
    resource_spans.resource.attributes.extend(resource)
    resource_spans.scope_spans.add().spans.extend(batch)
    body = ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString()
    projects: dict[str, str] = {}
    for way in [_plain, *WAYS]:
        project = projects[way.__name__] = f"way-{uuid.uuid4()}"
        way(api_for(make_key(project)), body)
    api_for(None).settle()
    expected = _rows(reader_store, projects.pop("_plain"))
    assert len(expected) == len(batch)
    for name, project in projects.items():
        assert _rows(reader_store, project) == expected, name


def _rows(store: Store, project: str) -> list[str]:
    """Rows as text: NaN is unequal to itself."""
    rows = store.query(_ROWS, {"project": project})
    return sorted(repr({name: _sorted(name, value) for name, value in row.items()}) for row in rows)


def _sorted(name: str, value: Any) -> Any:
    """Without the order that maps, and the names of what was cut, have from the attributes'."""
    if isinstance(value, dict):
        return sorted(value.items())
    if name == "truncated":
        return sorted(value)
    return [_sorted("", item) for item in value] if isinstance(value, list) else value
