"""Our sums equal the price library's, for every model that it knows."""

import warnings
from datetime import UTC, datetime

from genai_prices.data import providers
from genai_prices.types import ModelPrice

from tachograph_collector.unit_prices import TokenCounts, library_cost, unit_prices

SAMPLES = [
    TokenCounts(1000, 0, 0, 100),
    TokenCounts(123_457, 23_456, 7_891, 4_321),
    TokenCounts(1_000_000, 1_000_000, 0, 1),
    TokenCounts(999, 0, 999, 0),
    TokenCounts(0, 0, 0, 77),
    TokenCounts(0, 0, 0, 0),
]


def _prices() -> list[ModelPrice]:
    now = datetime.now(UTC)
    return [model.get_prices(now) for provider in providers for model in provider.models]


def test_every_simple_price_is_linear() -> None:
    compared = tiered = without = 0
    for price in _prices():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                units = unit_prices(price)
            except ValueError:
                without += 1
                continue
            if units is None:
                tiered += 1
                continue
            for tokens in SAMPLES:
                assert units.cost(tokens) == library_cost(price, tokens), (price, tokens)
        compared += 1
    assert compared > 500
    assert tiered > 5
    assert without < compared / 10
