"""Spans made by a TracerProvider that others use too."""

import weakref
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode

from tachograph._internal.building import Builder, cleaned
from tachograph._internal.delivery import AttributeValue, Delivery
from tachograph._internal.errors import contained
from tachograph._internal.record import SpanRecord
from tachograph._internal.tracing import Activation
from tachograph.exceptions import ConfigurationError
from tachograph.semconv import SCHEMA_URL
from tachograph.types import Ids
from tachograph.version import __version__

_KINDS: Final = {kind.value + 1: kind for kind in SpanKind}  # OTLP counts from 1


class DeliveringProcessor(SpanProcessor):
    """Hands every ended, sampled span to a `Delivery`."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery

    def on_end(self, span: ReadableSpan) -> None:
        with contained("handing over a span"):
            if span.context is not None and span.context.trace_flags.sampled:
                self.delivery.submit_span(span)

    def shutdown(self) -> None:
        self.delivery.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.delivery.flush(timeout_millis / 1000)


# A provider cannot give a processor back. One that we attached to before keeps its processor, and
# only the delivery behind it is exchanged, so that repeated init() does not pile them up.
_attached: "weakref.WeakKeyDictionary[TracerProvider, DeliveringProcessor]" = (
    weakref.WeakKeyDictionary()
)


class SharedTracing:
    """Uses OpenTelemetry's own current span, so that our spans and other people's nest.

    Other processors of the provider see our spans when they end: attributes are built then, on the
    calling thread.
    """

    def __init__(self, provider: TracerProvider, delivery: Delivery, builder: Builder) -> None:
        self._delivery = delivery
        self._builder = builder
        self._tracer = provider.get_tracer("tachograph", __version__, schema_url=SCHEMA_URL)

    def start(self, name: str, kind: int, facts: dict[str, AttributeValue]) -> SpanRecord:
        parent = trace.get_current_span().get_span_context()
        otel = self._tracer.start_span(
            name,
            kind=_KINDS[kind],
            attributes=cleaned(facts),  # samplers and processors of others may look at them
            record_exception=False,
            set_status_on_exception=False,
        )
        context = otel.get_span_context()
        record = SpanRecord(
            name,
            kind,
            context.trace_id,
            context.span_id,
            0 if parent.is_remote else parent.span_id,  # only whether it is outermost here matters
            otel.is_recording(),
            facts,
            self._builder,
        )
        record.otel = otel
        return record

    def activate(self, record: SpanRecord) -> Activation:
        assert record.otel is not None
        return otel_context.attach(trace.set_span_in_context(record.otel))

    def deactivate(self, activation: Activation) -> None:
        otel_context.detach(activation)

    def current_ids(self) -> Ids | None:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return Ids(f"{context.trace_id:032x}", f"{context.span_id:016x}")

    def current_context(self) -> SpanContext | None:
        context = trace.get_current_span().get_span_context()
        return context if context.is_valid else None

    def adopt(self, parent: SpanContext) -> Activation:
        return otel_context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))

    def release(self, activation: Activation) -> None:
        self.deactivate(activation)

    def end(self, record: SpanRecord) -> None:
        otel = record.otel
        assert otel is not None
        try:
            if record.is_sampled:
                found, error_text = record.build()
                otel.set_attributes(cleaned(found))
                if record.is_failed:
                    otel.set_status(Status(StatusCode.ERROR, error_text or None))
            else:
                self._delivery.leave_out_span()
        finally:
            otel.end()


def shared_tracing(
    mode: object,
    delivery: Delivery,
    builder: Builder,
    *,
    id_generator: IdGenerator | None = None,
) -> SharedTracing:
    """Tracing for `provider="global"` or a provider of the application's."""
    if mode == "global":
        existing = trace.get_tracer_provider()
        if not isinstance(existing, TracerProvider):
            existing = _new_provider(delivery.resource, id_generator)
            trace.set_tracer_provider(existing)
        provider = existing
    elif isinstance(mode, TracerProvider):
        provider = mode
    else:
        raise ConfigurationError("provider", "needs an opentelemetry.sdk.trace.TracerProvider")
    processor = _attached.get(provider)
    if processor is None:
        _attached[provider] = processor = DeliveringProcessor(delivery)
        provider.add_span_processor(processor)
    processor.delivery = delivery
    return SharedTracing(provider, delivery, builder)


def _new_provider(resource: Resource, id_generator: IdGenerator | None) -> TracerProvider:
    # Attribute limits would push out the oldest first, which are model and operation. Our own
    # limits (LimitOptions) leave those alone.
    unlimited = SpanLimits(
        max_span_attributes=SpanLimits.UNSET,
        max_attributes=SpanLimits.UNSET,
        max_attribute_length=SpanLimits.UNSET,
        max_span_attribute_length=SpanLimits.UNSET,
    )
    return TracerProvider(
        resource=resource,
        id_generator=id_generator,
        span_limits=unlimited,
        shutdown_on_exit=False,
    )
