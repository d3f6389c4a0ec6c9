"""Requests as spans, and the slow oracle: what the numbers must be, added up in plain Python."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tachograph_store.queries.counted import Counted, CountedSums
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rows import SpanRow

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
"""A whole hour, long over."""

LEVELS = (0.5, 0.95, 0.99)


def request(project: str, number: int, start: datetime, **facts: Any) -> SpanRow:
    """A counted model call; `number` is its identity."""
    row = SpanRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=nanoseconds(start),
        duration_ns=1_000_000_000,
        name="chat",
        observer="proxy",
        is_counted=True,
        operation="chat",
        content_hash=number + 1,
        expires_on=date.today() + timedelta(days=90),
        content_expires_on=date.today() + timedelta(days=30),
    )
    return dataclasses.replace(row, **facts)


def counted(spans: Iterable[SpanRow], selection: Selection) -> list[SpanRow]:
    """The requests of a selection, each once: a client span gives way to its proxy child."""
    spans = list(spans)
    seen_by_proxy = {
        (span.trace_id, span.parent_span_id)
        for span in spans
        if span.observer == "proxy" and span.is_counted and span.parent_span_id
    }
    return [
        span
        for span in spans
        if span.is_counted
        and not (span.observer == "client" and (span.trace_id, span.span_id) in seen_by_proxy)
        and nanoseconds(selection.since) <= span.start_time < nanoseconds(selection.until)
        and selection.model in (None, model_of(span))
        and selection.tenant in (None, span.tenant or "")
        and selection.variant in (None, span.variant or "")
    ]


def model_of(span: SpanRow) -> str:
    """As the pages show it."""
    return span.response_model or span.request_model or ""


def sums_of(spans: Sequence[SpanRow]) -> CountedSums:
    """Their totals."""

    def tokens(span: SpanRow) -> int:
        return (span.input_tokens or 0) + (span.output_tokens or 0)

    def lacking(is_lacking: Callable[[SpanRow], bool]) -> int:
        return sum(map(is_lacking, spans))

    listed = [span for span in spans if span.list_cost is not None]
    computed = [span for span in spans if span.compute_cost is not None]
    return CountedSums(
        requests=len(spans),
        errors=lacking(lambda span: span.status_code == "ERROR"),
        input_tokens=_total(span.input_tokens for span in spans),
        output_tokens=_total(span.output_tokens for span in spans),
        cache_read_tokens=_total(span.cache_read_tokens for span in spans),
        reasoning_tokens=_total(span.reasoning_tokens for span in spans),
        without_tokens=lacking(
            lambda span: span.input_tokens is None or span.output_tokens is None
        ),
        list_cost=_total(span.list_cost for span in spans),
        without_list_cost=len(spans) - len(listed),
        list_priced_tokens=_total(map(tokens, listed)),
        compute_cost=_total(span.compute_cost for span in spans),
        without_compute_cost=len(spans) - len(computed),
        compute_priced_tokens=_total(map(tokens, computed)),
        reported_cost=_total(span.reported_cost for span in spans),
        gpu_seconds=_total(span.gpu_seconds for span in spans),
        energy_j=_total(span.energy_j for span in spans),
        without_energy=lacking(lambda span: span.energy_j is None),
    )


def assert_same(one: Counted, spans: Sequence[SpanRow]) -> None:
    """What was answered for a group is what its spans add up to."""
    assert one.sums == sums_of(spans)
    assert list(one.currencies) == sorted({s.cost_currency for s in spans if s.cost_currency})
    _assert_near(one.durations_s, [span.duration_ns * 1e-9 for span in spans])
    first_chunks = [
        span.time_to_first_chunk_s for span in spans if span.time_to_first_chunk_s is not None
    ]
    assert one.with_first_chunk == len(first_chunks)
    _assert_near(one.first_chunks_s, first_chunks)


def exact_quantile(values: Sequence[float], level: float) -> float:
    """Between the values around rank level * (n - 1), in proportion."""
    ordered = sorted(values)
    position = level * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _assert_near(found: Sequence[float | None], values: Sequence[float]) -> None:
    for level, quantile in zip(LEVELS, found, strict=True):
        if not values:
            assert quantile is None
        else:
            exact = exact_quantile(values, level)
            assert quantile is not None
            assert abs(quantile - exact) <= 0.02 * exact + 1e-9


def _total(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return (
        sum(known, start=Decimal(0) if known and isinstance(known[0], Decimal) else 0)
        if known
        else None
    )
