"""Costs: known prices, honest gaps, no part counted twice."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tachograph_collector.pricing import Pricer
from tachograph_collector.settings import CollectorSettings
from tachograph_store.rows import SpanRow


def _row(**facts: Any) -> SpanRow:
    values: dict[str, Any] = {
        "operation": "chat",
        "provider": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 1000,
        "output_tokens": 100,
        **facts,
    }
    return SpanRow(
        project="p",
        trace_id="0" * 32,
        span_id="0" * 16,
        start_time=time.time_ns(),
        duration_ns=1,
        name="n",
        expires_on=date.max,
        content_expires_on=date.max,
        **values,
    )


@pytest.fixture
def price() -> Callable[..., SpanRow]:
    def run(row: SpanRow, reported_currency: str | None = None, **settings: Any) -> SpanRow:
        return Pricer(CollectorSettings(**settings)).price(row, reported_currency)

    return run


def test_list_price_in_dollars(price: Callable[..., SpanRow]) -> None:
    priced = price(_row())
    assert priced.list_cost == Decimal("0.0035")
    assert priced.cost_currency == "USD"
    assert priced.compute_cost is None


def test_cached_tokens_are_a_part_of_the_input(price: Callable[..., SpanRow]) -> None:
    cached = price(_row(cache_read_tokens=400)).list_cost
    assert cached == Decimal("0.003")
    too_many = price(_row(cache_read_tokens=9000)).list_cost
    assert too_many == price(_row(cache_read_tokens=1000)).list_cost


@pytest.mark.parametrize(
    "facts",
    [
        {"request_model": "nobody/knows"},
        {"request_model": None},
        {"provider": "llama_cpp"},
        {"operation": "invoke_agent"},
        {"input_tokens": None, "output_tokens": None},
    ],
)
def test_what_is_unknown_has_no_price(price: Callable[..., SpanRow], facts: dict[str, Any]) -> None:
    priced = price(_row(**facts))
    assert priced.list_cost is None
    assert priced.cost_currency is None


def test_a_local_model_has_the_price_of_its_equivalent(price: Callable[..., SpanRow]) -> None:
    local = _row(provider="llama_cpp", request_model="smollm2")
    priced = price(local, hosted_equivalents={"smollm2": "gpt-4o"})
    assert priced.list_cost == Decimal("0.0035")


def test_another_currency_needs_its_rate(price: Callable[..., SpanRow]) -> None:
    assert price(_row(), currency="EUR").list_cost is None
    priced = price(_row(), currency="EUR", currency_per_usd="0.5")
    assert (priced.list_cost, priced.cost_currency) == (Decimal("0.00175"), "EUR")


def test_compute_cost_is_time_and_electricity(price: Callable[..., SpanRow]) -> None:
    row = _row(provider="vllm", gpu_seconds=36.0, engine_seconds=72.0, energy_j=3600.0)
    prices = {"gpu_hour_price": "2", "machine_hour_price": "1", "electricity_price_kwh": "0.3"}
    assert price(row, **prices).compute_cost == Decimal("0.0203")
    del prices["gpu_hour_price"]
    assert price(row, **prices).compute_cost == Decimal("0.0203")
    del prices["electricity_price_kwh"]
    assert price(row, **prices).compute_cost == Decimal("0.02")
    assert price(row).compute_cost is None
    assert price(_row(), **prices).compute_cost is None


def test_a_reported_cost_is_taken_in_its_own_currency_only(price: Callable[..., SpanRow]) -> None:
    row = _row(provider="vllm", reported_cost=Decimal("0.5"))
    assert price(row).reported_cost == Decimal("0.5")
    assert price(row).cost_currency == "USD"
    assert price(row, "USD").reported_cost == Decimal("0.5")
    foreign = price(row, "EUR")
    assert (foreign.reported_cost, foreign.cost_currency) == (None, None)


def test_absurd_amounts_do_not_fit_and_are_unknown(price: Callable[..., SpanRow]) -> None:
    assert price(_row(input_tokens=2**63 - 1)).list_cost is None
    assert price(_row(gpu_seconds=1e300), gpu_hour_price="9").compute_cost is None


def test_names_from_outside_do_not_pile_up() -> None:
    pricer = Pricer(CollectorSettings())
    for i in range(5000):
        pricer.price(_row(request_model=f"model-{i}"), None)
    assert len(pricer._found) <= 4096
    assert len(pricer._snapshot._provider_misses) <= 4096
    assert pricer.price(_row(), None).list_cost == Decimal("0.0035")
