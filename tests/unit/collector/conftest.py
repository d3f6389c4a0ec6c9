"""Builders of OTLP messages and the limits they are translated within."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.fixtures.otlp_values import key_values

from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.row import span_row
from tachograph_collector.translate.spans import SpanTranslator, TranslatedSpans
from tachograph_store.rows import ScoreRow, SpanRow

Attributes = Mapping[str, object]
TRACE_ID = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
SPAN_ID = bytes.fromhex("b7ad6b7169203331")


@pytest.fixture
def limits() -> Limits:
    return Limits(
        max_attributes=16,
        max_attribute_bytes=256,
        max_content_bytes=4096,
        max_events=4,
        max_links=4,
        retention_days=30,
        content_retention_days=7,
        readings_retention_days=14,
    )


@pytest.fixture
def now() -> int:
    return time.time_ns()


@pytest.fixture
def window(now: int) -> Window:
    return Window.around(now, 30)


class MakeSpan(Protocol):
    def __call__(self, attributes: Attributes | None = None, **fields: object) -> Span: ...


@pytest.fixture
def make_span(now: int) -> MakeSpan:
    def make(attributes: Attributes | None = None, **fields: object) -> Span:
        span = Span(
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            name="chat",
            start_time_unix_nano=now - 1_000_000_000,
            end_time_unix_nano=now,
            attributes=key_values(attributes or {}),
        )
        span.MergeFrom(Span(**fields))  # type: ignore[arg-type]
        return span

    return make


@pytest.fixture
def make_request() -> Callable[..., ExportTraceServiceRequest]:
    def make(*spans: Span, resource: Attributes | None = None) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(key_values(resource or {"service.name": "shop"}))
        resource_spans.scope_spans.add().spans.extend(spans)
        return request

    return make


@pytest.fixture
def translate(
    make_request: Callable[..., ExportTraceServiceRequest], window: Window, limits: Limits
) -> Callable[..., tuple[list[SpanRow], Rejections]]:
    def run(*spans: Span) -> tuple[list[SpanRow], Rejections]:
        rejections = Rejections()
        translated = _translated(make_request(*spans), window, limits, rejections)
        return [span_row(values) for values in translated.rows], rejections

    return run


@pytest.fixture
def translate_one(
    make_span: MakeSpan, translate: Callable[..., tuple[list[SpanRow], Rejections]]
) -> Callable[..., SpanRow]:
    """The row of one span with the given attributes."""

    def run(attributes: Attributes | None = None, **fields: object) -> SpanRow:
        rows, rejections = translate(make_span(attributes, **fields))
        assert not rejections.total
        return rows[0]

    return run


@pytest.fixture
def translate_scoped(make_span: MakeSpan, window: Window, limits: Limits) -> Callable[..., SpanRow]:
    """The row of one span that a named instrumentation scope wrote."""

    def run(scope: str, attributes: Attributes, **fields: object) -> SpanRow:
        request = ExportTraceServiceRequest()
        scope_spans = request.resource_spans.add().scope_spans.add()
        scope_spans.scope.name = scope
        scope_spans.spans.append(make_span(attributes, **fields))
        rejections = Rejections()
        (values,) = _translated(request, window, limits, rejections).rows
        return span_row(values)

    return run


@pytest.fixture
def translate_scores(
    make_request: Callable[..., ExportTraceServiceRequest],
    make_span: MakeSpan,
    window: Window,
    limits: Limits,
) -> Callable[[Attributes], tuple[SpanRow, Sequence[ScoreRow]]]:
    """One span and the scores that it carries."""

    def run(attributes: Attributes) -> tuple[SpanRow, Sequence[ScoreRow]]:
        request = make_request(make_span(attributes))
        spans = _translated(request, window, limits, Rejections())
        return span_row(spans.rows[0]), spans.scores.get(0, ())

    return run


def _translated(
    request: ExportTraceServiceRequest, window: Window, limits: Limits, rejections: Rejections
) -> TranslatedSpans:
    """Translated twice: what the translator remembers of the first time changes nothing."""
    translator = SpanTranslator(limits)
    body = request.SerializeToString()
    first = translator.translate(request, body, "p", window, Rejections())
    again = translator.translate(request, None, "p", window, rejections)
    assert again == first
    return again
