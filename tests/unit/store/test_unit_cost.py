"""Where owning is as dear as renting: the algebra of break-even, without an engine."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_store.queries.unit_cost import (
    MachinePrices,
    MachineUse,
    break_even_ratio,
    cost_per_million,
)

PRICES = MachinePrices(gpu_hour=Decimal("3.60"), electricity_kwh=Decimal("0.36"), currency="USD")


def test_a_gpu_second_and_a_joule_have_their_price() -> None:
    assert PRICES.cost(1000.0, None) == pytest.approx(1.0)
    assert PRICES.cost(0.0, 3.6e6) == pytest.approx(0.36)
    without = MachinePrices(gpu_hour=Decimal("3.60"), electricity_kwh=None, currency="USD")
    assert without.cost(1000.0, 3.6e6) == pytest.approx(1.0)


def test_half_the_use_is_twice_the_price_but_for_electricity() -> None:
    free_power = MachinePrices(gpu_hour=Decimal(4), electricity_kwh=None, currency="USD")
    full = cost_per_million(free_power, 500.0, 600.0, 100.0, 1.0)
    assert full == pytest.approx(4 / 3600 / 500 * 1e6)
    assert cost_per_million(free_power, 500.0, 600.0, 100.0, 0.5) == pytest.approx(2 * full)
    half = cost_per_million(PRICES, 500.0, 600.0, 100.0, 0.5)
    assert half < 2 * cost_per_million(PRICES, 500.0, 600.0, 100.0, 1.0)


@given(st.floats(1.0, 1e5), st.floats(100, 1000), st.floats(0, 100), st.floats(0.001, 100))
def test_at_break_even_both_cost_the_same(
    tokens_per_gpu_s: float, busy_w: float, idle_w: float, list_per_million: float
) -> None:
    ratio = break_even_ratio(PRICES, tokens_per_gpu_s, busy_w, idle_w, list_per_million)
    if ratio is None:  # the electricity of a token alone is dearer than its list price
        electricity = PRICES.cost(0.0, busy_w - idle_w) / tokens_per_gpu_s * 1e6
        assert electricity >= list_per_million
    else:
        own = cost_per_million(PRICES, tokens_per_gpu_s, busy_w, idle_w, ratio)
        assert own == pytest.approx(list_per_million, rel=1e-6)


def test_what_no_counter_said_is_unknown() -> None:
    use = MachineUse(gpu_count=1, gpu_s=100.0, busy_gpu_s=25.0, energy_j=None, request_energy_j=9.0)
    assert (use.utilization_ratio, use.idle_energy_j) == (0.25, None)
    nothing = MachineUse(
        gpu_count=0, gpu_s=0.0, busy_gpu_s=0.0, energy_j=None, request_energy_j=None
    )
    assert nothing.utilization_ratio is None
