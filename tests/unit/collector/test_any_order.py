"""What a span becomes depends on what it says: not on the order of its attributes, nor on the
request, the neighbours and the encoding that it came with."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.fixtures.any_otlp import requests
from tests.fixtures.otlp_json import json_of

from tachograph_collector.otlp.decode import Encoding, decode
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.spans import translate_spans
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings

LIMITS = Limits.of(CollectorSettings(), StoreSettings())
_few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def _rows(
    *parts: ExportTraceServiceRequest, now: int
) -> tuple[list[SpanRow], dict[tuple[str, str], int]]:
    rejections = Rejections()
    window = Window.around(now, LIMITS.retention_days)
    rows = [
        span.row
        for part in parts
        for span in translate_spans(part, "p", window, LIMITS, rejections)
    ]
    return rows, dict(rejections.counts)


def _plain(row: SpanRow) -> SpanRow:
    """The row without what the order of attributes may change. Not its content hash: a span whose
    exporter orders attributes differently the second time is the same span, and no correction."""
    return replace(row, truncated=sorted(row.truncated))


def _span_count(request: ExportTraceServiceRequest) -> int:
    return sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)


@pytest.mark.lesson(5)
@_few
@given(request=requests())
def test_every_span_is_a_row_or_a_counted_rejection(request: ExportTraceServiceRequest) -> None:
    rows, rejected = _rows(request, now=time.time_ns())
    assert len(rows) + sum(rejected.values()) == _span_count(request)


@_few
@given(request=requests(), random=st.randoms(use_true_random=False))
def test_the_order_of_attributes_is_irrelevant(
    request: ExportTraceServiceRequest, random: Any
) -> None:
    now = time.time_ns()
    rows, rejected = _rows(request, now=now)
    for resource_spans in request.resource_spans:
        _shuffle(resource_spans.resource.attributes, random)
        for scope_spans in resource_spans.scope_spans:
            _shuffle(scope_spans.scope.attributes, random)
            for span in scope_spans.spans:
                _shuffle(span.attributes, random)
                parts: list[Any] = [*span.events, *span.links]
                for part in parts:
                    _shuffle(part.attributes, random)
    shuffled, rejected_of_shuffled = _rows(request, now=now)
    assert [_plain(row) for row in shuffled] == [_plain(row) for row in rows]
    assert rejected_of_shuffled == rejected


def _shuffle(attributes: Any, random: Any) -> None:
    copies = [KeyValue.FromString(attribute.SerializeToString()) for attribute in attributes]
    random.shuffle(copies)
    del attributes[:]
    attributes.extend(copies)


def _one_span(*attributes: tuple[str, str], name: str = "chat") -> ExportTraceServiceRequest:
    start_ns = time.time_ns() // 10**12 * 10**12
    span = Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + 1,
        attributes=[KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in attributes],
    )
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])]
    )


def test_another_value_name_or_attribute_is_another_content() -> None:
    requests = [
        _one_span(("a", "1"), ("b", "2")),
        _one_span(("a", "2"), ("b", "1")),
        _one_span(("a", "1")),
        _one_span(("a", "1"), ("b", "2"), name="other"),
        _one_span(),
    ]
    rows, _ = _rows(*requests, now=time.time_ns())
    assert len({row.content_hash for row in rows}) == len(requests)


@_few
@given(request=requests())
def test_a_span_alone_is_the_span_among_others(request: ExportTraceServiceRequest) -> None:
    now = time.time_ns()
    rows, rejected = _rows(request, now=now)
    alone = [
        ExportTraceServiceRequest(
            resource_spans=[
                ResourceSpans(
                    resource=resource_spans.resource,
                    scope_spans=[ScopeSpans(scope=scope_spans.scope, spans=[span])],
                )
            ]
        )
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]
    rows_alone, rejected_alone = _rows(*alone, now=now)
    assert rows_alone == rows  # content hashes too: in another batch it is a duplicate
    assert rejected_alone == rejected


@_few
@given(request=requests())
def test_json_says_what_protobuf_says(request: ExportTraceServiceRequest) -> None:
    decoded = decode(json_of(request), Encoding.JSON, ExportTraceServiceRequest)
    # Compared as bytes: NaN is unequal to itself.
    assert decoded.SerializeToString(deterministic=True) == request.SerializeToString(
        deterministic=True
    )
