"""A sender that comes again is remembered by its bytes; whoever differs in one of them is another."""

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.row import span_row
from tachograph_collector.translate.spans import SpanTranslator
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings

START_NS = time.time_ns() // 10**9 * 10**9
LIMITS = Limits.of(CollectorSettings(), StoreSettings())


def _row(translator: SpanTranslator, service: str, scope: str = "s", project: str = "p") -> SpanRow:
    now = time.time_ns()
    span = Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        name="chat",
        start_time_unix_nano=START_NS,
        end_time_unix_nano=START_NS,
    )
    scope_spans = ScopeSpans(spans=[span])
    scope_spans.scope.name = scope
    resource_spans = ResourceSpans(scope_spans=[scope_spans])
    value = AnyValue(string_value=service)
    resource_spans.resource.attributes.append(KeyValue(key="service.name", value=value))
    request = ExportTraceServiceRequest(resource_spans=[resource_spans])
    window = Window.around(now, LIMITS.retention_days)
    spans = translator.translate(request, None, project, window, Rejections())
    return span_row(spans.rows[0])


def test_a_sender_that_comes_again_is_not_read_again() -> None:
    translator = SpanTranslator(LIMITS)
    first, again = _row(translator, "shop"), _row(translator, "shop")
    assert again.resource_attributes is first.resource_attributes
    assert (again.service_name, again.scope_name, again.project) == ("shop", "s", "p")


def test_another_resource_scope_or_project_is_another_sender() -> None:
    translator = SpanTranslator(LIMITS)
    first = _row(translator, "shop")
    other = _row(translator, "bank")
    assert (other.service_name, dict(other.resource_attributes)) == (
        "bank",
        {"service.name": "bank"},
    )
    assert _row(translator, "shop", scope="t").scope_name == "t"
    assert _row(translator, "shop", project="q").project == "q"
    assert _row(translator, "shop") == first


def test_few_and_short_ones_are_remembered() -> None:
    translator = SpanTranslator(LIMITS)
    long = "x" * 5_000
    first = _row(translator, long)
    assert _row(translator, long).resource_attributes is not first.resource_attributes
    kept = _row(translator, "shop")
    for number in range(300):
        _row(translator, f"shop-{number}")
    assert _row(translator, "shop").resource_attributes is not kept.resource_attributes
