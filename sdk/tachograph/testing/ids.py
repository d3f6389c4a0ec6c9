"""Trace and span ids that are the same in every run."""

import itertools

from opentelemetry.sdk.trace.id_generator import IdGenerator


class SequentialIds(IdGenerator):
    """1, 2, 3, … for traces and, separately, for spans."""

    def __init__(self) -> None:
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def generate_trace_id(self) -> int:
        return next(self._traces)

    def generate_span_id(self) -> int:
        return next(self._spans)
