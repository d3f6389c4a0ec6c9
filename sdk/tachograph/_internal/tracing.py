"""Where our spans get their ids and parents from, and where they go when they end."""

import os
import random
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final, Protocol, TypeAlias

from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanContext

from tachograph._internal import clock
from tachograph._internal.building import Builder
from tachograph._internal.delivery import AttributeValue, Delivery
from tachograph._internal.record import SpanRecord
from tachograph._internal.sampling import Sampler
from tachograph.types import Ids

Activation: TypeAlias = Any
"""What undoes `Tracing.activate`."""

_RECORD_BYTES: Final = 400
_FACT_BYTES: Final = 40


class Tracing(Protocol):
    """Starts spans, makes them current and takes them when they end."""

    def start(self, name: str, kind: int, facts: dict[str, AttributeValue]) -> SpanRecord:
        """A started span, child of the current one. `facts` stays its own and may grow."""

    def activate(self, record: SpanRecord) -> Activation:
        """Make a span the current one until `deactivate`."""

    def deactivate(self, activation: Activation) -> None:
        """Undo `activate`."""

    def current_ids(self) -> Ids | None:
        """Ids of the current span, if any."""

    def current_context(self) -> SpanContext | None:
        """The current span as other processes may be told of it, if there is any."""

    def adopt(self, parent: SpanContext) -> Activation:
        """Make another process's span the current one until `release`."""

    def release(self, activation: Activation) -> None:
        """Undo `adopt`."""

    def end(self, record: SpanRecord) -> None:
        """Hand over a span that is complete, but for the time of its end."""


_current: ContextVar[SpanRecord | None] = ContextVar("tachograph_span", default=None)

# A generator of our own: an application that seeds the shared one, for tests or in every worker
# alike, would get the same ids again and again.
_random = random.Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class IsolatedTracing:
    """Spans that meet no other OpenTelemetry user in the process.

    The current span is kept under a key of our own: others neither get our spans as parents nor
    give us theirs, whose collector may be another. No span of OpenTelemetry's SDK is made.
    """

    def __init__(
        self,
        delivery: Delivery,
        builder: Builder,
        *,
        sampler: Sampler | None = None,
        id_generator: IdGenerator | None = None,
    ) -> None:
        self._delivery = delivery
        self._builder = builder
        self._sampler = sampler
        self._new_trace_id: Callable[[], int] = _trace_id
        self._new_span_id: Callable[[], int] = _span_id
        if id_generator is not None:
            self._new_trace_id = id_generator.generate_trace_id
            self._new_span_id = id_generator.generate_span_id

    def start(self, name: str, kind: int, facts: dict[str, AttributeValue]) -> SpanRecord:
        parent = _current.get()
        if parent is not None:
            trace_id, parent_span_id = parent.trace_id, parent.span_id
            is_sampled = parent.is_sampled
        else:
            trace_id, parent_span_id = self._new_trace_id(), 0
            is_sampled = self._sampler is None or self._sampler(trace_id)
        return SpanRecord(
            name,
            kind,
            trace_id,
            self._new_span_id(),
            parent_span_id,
            is_sampled,
            facts,
            self._builder,
        )

    def activate(self, record: SpanRecord) -> Activation:
        return _current.set(record)

    def deactivate(self, activation: Token[SpanRecord | None]) -> None:
        try:
            _current.reset(activation)
        except ValueError:  # an async generator was closed from another task: its context is gone
            pass

    def current_ids(self) -> Ids | None:
        record = _current.get()
        return None if record is None else record.ids

    def current_context(self) -> SpanContext | None:
        record = _current.get()
        return None if record is None else record.span_context

    def adopt(self, parent: SpanContext) -> Activation:
        # A record that is never ended stands for it.
        return _current.set(
            SpanRecord(
                "",
                0,
                parent.trace_id,
                parent.span_id,
                0,
                bool(parent.trace_flags.sampled),
                {},
                self._builder,
            )
        )

    def release(self, activation: Token[SpanRecord | None]) -> None:
        self.deactivate(activation)

    def end(self, record: SpanRecord) -> None:
        record.end_time_unix_nano = (
            record.start_time_unix_nano + clock.monotonic_ns() - record.started_at_ns
        )
        if record.is_sampled:
            record.size += _RECORD_BYTES + _FACT_BYTES * len(record.facts)
            self._delivery.submit_span(record)
        else:
            self._delivery.leave_out_span()


def _trace_id() -> int:
    return _random.getrandbits(128) or 1  # 0 is no id


def _span_id() -> int:
    return _random.getrandbits(64) or 1
