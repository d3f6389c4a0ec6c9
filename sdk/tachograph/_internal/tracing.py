"""Which TracerProvider our spans come from and how they find their parents."""

import weakref
from contextvars import ContextVar, Token
from typing import TypeAlias

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind

from tachograph._internal.delivery import AttributeValue, Delivery
from tachograph._internal.errors import contained
from tachograph.exceptions import ConfigurationError
from tachograph.semconv import SCHEMA_URL
from tachograph.version import __version__

_current: ContextVar[trace.Span | None] = ContextVar("tachograph_span", default=None)

Activation: TypeAlias = tuple[Token[trace.Span | None], "Token[Context] | None"]


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


class Tracing:
    """Starts spans and makes them current.

    An isolated one keeps its current span under a key of its own: other OpenTelemetry users in
    the process neither get our spans as parents nor give us theirs, whose collector may be
    another. A shared one uses OpenTelemetry's own current span.
    """

    def __init__(self, provider: TracerProvider, *, is_isolated: bool) -> None:
        self._is_isolated = is_isolated
        self._tracer = provider.get_tracer("tachograph", __version__, schema_url=SCHEMA_URL)

    def start(self, name: str, kind: SpanKind, attributes: dict[str, AttributeValue]) -> trace.Span:
        """A started span, child of the current one."""
        return self._tracer.start_span(
            name,
            context=self._parent(),
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )

    def _parent(self) -> Context | None:
        if not self._is_isolated:
            return None
        parent = _current.get()
        return trace.set_span_in_context(parent or trace.INVALID_SPAN, Context())

    def activate(self, span: trace.Span) -> Activation:
        """Make `span` the current one until `deactivate`."""
        shared = None
        if not self._is_isolated:
            shared = otel_context.attach(trace.set_span_in_context(span))
        return _current.set(span), shared

    def current(self) -> trace.Span | None:
        """Our current span, or None."""
        if self._is_isolated:
            return _current.get()
        span = trace.get_current_span()
        return span if span.get_span_context().is_valid else None


def deactivate(activation: Activation) -> None:
    """Undo `Tracing.activate`."""
    own, shared = activation
    try:
        _current.reset(own)
    except ValueError:  # an async generator was closed from another task: its context is gone
        pass
    if shared is not None:
        otel_context.detach(shared)


def make_tracing(
    mode: "str | trace.TracerProvider",
    delivery: Delivery,
    *,
    id_generator: IdGenerator | None = None,
) -> Tracing:
    """Tracing for the `provider` setting."""
    if mode == "isolated":
        provider = _new_provider(delivery, id_generator)
        provider.add_span_processor(DeliveringProcessor(delivery))
        return Tracing(provider, is_isolated=True)
    if mode == "global":
        existing = trace.get_tracer_provider()
        if not isinstance(existing, TracerProvider):
            existing = _new_provider(delivery, id_generator)
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
    return Tracing(provider, is_isolated=False)


def _new_provider(delivery: Delivery, id_generator: IdGenerator | None) -> TracerProvider:
    # Attribute limits would push out the oldest first, which are model and operation. Our own
    # limits (LimitOptions) leave those alone.
    unlimited = SpanLimits(
        max_span_attributes=SpanLimits.UNSET,
        max_attributes=SpanLimits.UNSET,
        max_attribute_length=SpanLimits.UNSET,
        max_span_attribute_length=SpanLimits.UNSET,
    )
    return TracerProvider(
        resource=delivery.resource,
        id_generator=id_generator,
        span_limits=unlimited,
        shutdown_on_exit=False,
    )


def make_resource(service_name: str, attributes: dict[str, str]) -> Resource:
    """The resource of all data of this process."""
    return Resource.create({**attributes, "service.name": service_name})
