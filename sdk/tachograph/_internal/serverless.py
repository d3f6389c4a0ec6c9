"""Export before returning, for processes that are frozen as soon as they have answered."""

from collections import Counter
from typing import Final

from opentelemetry.trace import SpanContext

from tachograph._internal.delivery import AttributeValue, Delivery
from tachograph._internal.record import SpanRecord
from tachograph._internal.tracing import Activation, Tracing
from tachograph.types import Ids

EXPORT_TIMEOUT_S: Final = 2.0
"""Longest that the end of an outermost span waits for its export."""


class ExportingTracing:
    """Another tracing whose outermost spans end only when everything is exported.

    What the collector has not taken within `EXPORT_TIMEOUT_S` stays queued for the next call.
    """

    def __init__(self, tracing: Tracing, delivery: Delivery) -> None:
        self._tracing = tracing
        self._delivery = delivery
        self._adopted: Counter[int] = Counter()

    def start(self, name: str, kind: int, facts: dict[str, AttributeValue]) -> SpanRecord:
        return self._tracing.start(name, kind, facts)

    def activate(self, record: SpanRecord) -> Activation:
        return self._tracing.activate(record)

    def deactivate(self, activation: Activation) -> None:
        self._tracing.deactivate(activation)

    def current_ids(self) -> Ids | None:
        return self._tracing.current_ids()

    def current_context(self) -> SpanContext | None:
        return self._tracing.current_context()

    def adopt(self, parent: SpanContext) -> Activation:
        self._adopted[parent.span_id] += 1
        return parent.span_id, self._tracing.adopt(parent)

    def release(self, activation: tuple[int, Activation]) -> None:
        span_id, inner = activation
        self._tracing.release(inner)
        self._adopted[span_id] -= 1
        if self._adopted[span_id] <= 0:
            del self._adopted[span_id]

    def end(self, record: SpanRecord) -> None:
        self._tracing.end(record)
        if record.parent_span_id == 0 or record.parent_span_id in self._adopted:
            self._delivery.flush(EXPORT_TIMEOUT_S)
