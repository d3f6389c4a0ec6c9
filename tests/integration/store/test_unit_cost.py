"""Unit cost against a slow oracle: the machine's bill added up in Python, request by request."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

import pytest

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.queries.unit_cost import MachinePrices, UnitCost, unit_costs
from tachograph_store.rows import GpuReadingRow, SpanRow
from tachograph_store.writer import Writer

NOON = datetime(2026, 9, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = date(2099, 1, 1)
PRICES = MachinePrices(gpu_hour=Decimal("2.50"), electricity_kwh=Decimal("0.30"), currency="EUR")


def reading(
    project: str, gpu: int, second: int, energy_j: float | None, **attributes: str
) -> GpuReadingRow:
    return GpuReadingRow(
        project=project,
        gpu_id=f"GPU-{gpu}",
        time=nanoseconds(NOON + timedelta(seconds=second)),
        energy_j=energy_j,
        attributes=attributes,
        expires_on=LATER,
    )


def request(project: str, number: int, draw: random.Random) -> SpanRow:
    is_measured = draw.random() < 0.9
    seconds = draw.uniform(0.1, 4.0)
    is_listed = draw.random() < 0.7
    return SpanRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=nanoseconds(NOON + timedelta(seconds=draw.uniform(0, 3599))),
        duration_ns=1_000_000_000,
        name="chat",
        observer="proxy",
        is_counted=True,
        operation="chat",
        response_model=draw.choice(("small", "large")),
        tenant=draw.choice(("acme", "globex", None)),
        input_tokens=draw.randint(1, 3000),
        output_tokens=draw.choice((None, draw.randint(1, 500))),
        list_cost=Decimal(draw.randint(1, 900)) / 100_000 if is_listed else None,
        cost_currency=draw.choice(("EUR", "USD")) if is_listed else None,
        gpu_seconds=seconds if is_measured else None,
        energy_j=seconds * draw.uniform(300, 650) if is_measured else None,
        content_hash=number + 1,
        expires_on=LATER,
        content_expires_on=LATER,
    )


@pytest.fixture(scope="module")
def hour(writer_store: Store) -> tuple[str, Sequence[SpanRow]]:
    """An hour of requests on two GPUs; one was watched for twenty minutes only, and its driver was
    loaded anew in between; a part of it (MIG) tells of itself too."""
    project = "unit-cost"
    draw = random.Random(11)
    spans = [request(project, number, draw) for number in range(200)]
    readings = [reading(project, 0, second, 1e6 + 500.0 * second) for second in range(0, 3600, 15)]
    for second in range(600, 1800, 20):
        counter_j = 7e6 + 400.0 * second if second < 1200 else 400.0 * (second - 1200)
        readings.append(reading(project, 1, second, counter_j))
        readings.append(reading(project, 9, second, None, **{"hw.parent": "GPU-1"}))
    readings.append(reading("somebody-else", 5, 30, 1.0))
    writer = Writer(writer_store)
    writer.write_spans(spans)
    writer.write("gpu_readings", readings)
    writer.write("gpu_readings", readings[:50])  # sent twice
    return project, spans


def selection(project: str, **filters: str) -> Selection:
    return Selection(project=project, since=NOON, until=NOON + HOUR, **filters)


def oracle_energy_j() -> float:
    """500 W on one; on the other 400 W, without the step in which the counter went back."""
    return 500.0 * 3585 + 400.0 * (1180 - 20)


@pytest.mark.parametrize("by", ["model", "tenant"])
def test_the_bill_is_the_machines_and_each_bears_its_part(
    reader_store: Store,
    hour: tuple[str, Sequence[SpanRow]],
    by: Literal["model", "tenant"],
) -> None:
    project, spans = hour
    found = unit_costs(reader_store, selection(project), by, PRICES)
    machine = found.machine
    assert machine.gpu_count == 2
    assert machine.gpu_s == pytest.approx(3600 + 1200)
    assert machine.energy_j == pytest.approx(oracle_energy_j())
    assert machine.busy_gpu_s == pytest.approx(sum(s.gpu_seconds or 0 for s in spans))
    bill = 2.50 * machine.gpu_s / 3600 + 0.30 * oracle_energy_j() / 3.6e6
    paid = sum((cost.busy_cost or 0) + (cost.idle_cost or 0) for cost in found.segments)
    assert paid == pytest.approx(bill)
    assert sum(cost.requests for cost in found.segments) == len(spans)
    for cost in found.segments:
        members = [
            span
            for span in spans
            if (span.response_model if by == "model" else span.tenant) == cost.segment
        ]
        busy_bill = sum(cost.busy_cost or 0 for cost in found.segments)
        _agrees(cost, members, bill - busy_bill, machine.busy_gpu_s)
    seconds = [cost.gpu_s or 0.0 for cost in found.segments]
    assert seconds == sorted(seconds, reverse=True)


def _agrees(
    cost: UnitCost, members: Sequence[SpanRow], idle_bill: float, all_busy_s: float
) -> None:
    """What the oracle says of one segment."""
    gpu_s = sum(span.gpu_seconds or 0 for span in members)
    energy_j = sum(span.energy_j or 0 for span in members)
    tokens = sum((span.input_tokens or 0) + (span.output_tokens or 0) for span in members)
    busy = 2.50 * gpu_s / 3600 + 0.30 * energy_j / 3.6e6
    assert cost.tokens == tokens
    assert cost.without_energy == sum(span.energy_j is None for span in members)
    assert cost.busy_cost == pytest.approx(busy)
    assert cost.per_million is not None and cost.busy_per_million is not None
    assert cost.busy_per_million == pytest.approx(busy / tokens * 1e6)
    assert cost.per_million > cost.busy_per_million
    listed = [s for s in members if s.list_cost is not None and s.cost_currency == "EUR"]
    listed_tokens = sum((s.input_tokens or 0) + (s.output_tokens or 0) for s in listed)
    listed_cost = float(sum(s.list_cost for s in listed if s.list_cost is not None))
    assert cost.list_per_million == pytest.approx(listed_cost / listed_tokens * 1e6)
    assert cost.idle_cost == pytest.approx(idle_bill * gpu_s / all_busy_s)
    assert cost.break_even_ratio is not None and cost.break_even_ratio > 0


def test_a_filter_narrows_segments_and_not_the_machine(
    reader_store: Store, hour: tuple[str, Sequence[SpanRow]]
) -> None:
    project, _ = hour
    whole = unit_costs(reader_store, selection(project), "model", PRICES)
    narrowed = unit_costs(reader_store, selection(project, model="small"), "model", PRICES)
    assert narrowed.machine == whole.machine
    assert [cost.segment for cost in narrowed.segments] == ["small"]
    assert narrowed.segments[0] in whole.segments


def test_without_a_gpu_nothing_is_claimed(reader_store: Store, writer_store: Store) -> None:
    project = "unit-cost-cpu"
    span = request(project, 1, random.Random(3))
    Writer(writer_store).write_spans(
        [
            SpanRow(
                project=project,
                trace_id=span.trace_id,
                span_id=span.span_id,
                start_time=span.start_time,
                duration_ns=1,
                name="chat",
                is_counted=True,
                operation="chat",
                response_model="m",
                input_tokens=5,
                content_hash=1,
                expires_on=LATER,
                content_expires_on=LATER,
            )
        ]
    )
    found = unit_costs(reader_store, selection(project), "model", PRICES)
    (cost,) = found.segments
    assert found.machine.gpu_count == 0 and found.machine.energy_j is None
    assert (cost.tokens, cost.without_energy) == (5, 1)
    assert (cost.busy_cost, cost.per_million, cost.break_even_ratio) == (None, None, None)
    assert unit_costs(reader_store, selection("unit-cost-nobody"), "model", PRICES).segments == []
