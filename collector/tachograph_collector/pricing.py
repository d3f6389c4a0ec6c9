"""What a request cost: the list price of its model, and the price of the machine's time.

List prices come from the data that genai-prices ships (US dollars); nothing is downloaded.
"""

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Final

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot, find_provider_by_id
from genai_prices.types import ModelInfo, ModelPrice

from tachograph.semconv.values import MODEL_OPERATIONS
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import utc
from tachograph_collector.unit_prices import (
    TokenCounts,
    UnitPrices,
    library_cost,
    unit_prices,
)
from tachograph_store.rows import SpanRow

_SECONDS_PER_HOUR = 3600
_JOULES_PER_KWH = 3_600_000
_STEP = Decimal(1).scaleb(-9)  # Decimal(18, 9)
_BELOW = Decimal(10) ** 9
_MAX_CACHED_MODELS = 4096
_LIST_CURRENCY = "USD"

_PROVIDER_ALIASES: Final = {
    "x_ai": "x-ai",
    "gcp.gen_ai": "google",
    "azure.ai.inference": "azure",
}
"""`gen_ai.provider.name` values that the price list knows under other ids."""


class Pricer:
    """Prices span rows; safe to share between threads."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._units: dict[int, UnitPrices | None] = {}
        self._lock = threading.Lock()
        self._models: dict[tuple[str | None, str], ModelInfo | None] = {}
        self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)

    def price(self, row: SpanRow, reported_currency: str | None) -> SpanRow:
        """Fill the cost columns; what cannot be known stays None.

        A reported cost in another currency than the settings' is not taken: the columns of a row
        share one currency (the attribute keeps it).
        """
        currency = self._settings.currency
        reported = row.reported_cost if reported_currency in (None, currency) else None
        list_cost = self._list_cost(row) if row.operation in MODEL_OPERATIONS else None
        compute_cost = self._compute_cost(row)
        if reported is row.reported_cost and list_cost is None and compute_cost is None:
            return row if reported is None else replace(row, cost_currency=currency)
        is_priced = any(cost is not None for cost in (reported, list_cost, compute_cost))
        return replace(
            row,
            list_cost=list_cost,
            compute_cost=compute_cost,
            reported_cost=reported,
            cost_currency=currency if is_priced else None,
        )

    def _compute_cost(self, row: SpanRow) -> Decimal | None:
        """Seconds used times the hourly price, plus electricity where energy is known."""
        settings = self._settings
        if row.gpu_seconds is not None and settings.gpu_hour_price is not None:
            cost = _decimal(row.gpu_seconds) * settings.gpu_hour_price / _SECONDS_PER_HOUR
        elif row.engine_seconds is not None and settings.machine_hour_price is not None:
            cost = _decimal(row.engine_seconds) * settings.machine_hour_price / _SECONDS_PER_HOUR
        else:
            return None
        if row.energy_j is not None and settings.electricity_price_kwh is not None:
            cost += _decimal(row.energy_j) * settings.electricity_price_kwh / _JOULES_PER_KWH
        return _storable(cost)

    def _list_cost(self, row: SpanRow) -> Decimal | None:
        """The list price of the model, or of the hosted model that stands for it."""
        rate = self._rate()
        model_name = row.response_model or row.request_model
        has_usage = row.input_tokens is not None or row.output_tokens is not None
        if rate is None or model_name is None or not has_usage:
            return None
        priced = self._find(row.provider, model_name)
        if priced is None and row.request_model not in (None, model_name):
            priced = self._find(row.provider, row.request_model or "")
        if priced is None:
            return None
        try:
            cost = self._cost(priced.get_prices(utc(row.start_time)), _tokens(row))
        except (ValueError, LookupError):  # token kinds that this model has no price for
            return None
        return _storable(cost * rate)

    def _cost(self, price: ModelPrice, tokens: TokenCounts) -> Decimal:
        key = id(price)  # prices are parts of the library's data and live as long as it
        if key not in self._units:
            self._units[key] = unit_prices(price)
        units = self._units[key]
        return library_cost(price, tokens) if units is None else units.cost(tokens)

    def _rate(self) -> Decimal | None:
        if self._settings.currency == _LIST_CURRENCY:
            return Decimal(1)
        return self._settings.currency_per_usd

    def _find(self, provider_name: str | None, model_name: str) -> ModelInfo | None:
        key = (provider_name, model_name)
        with self._lock:
            if key not in self._models:
                if len(self._models) >= _MAX_CACHED_MODELS:
                    # Names come from outside; the snapshot remembers each of them too.
                    self._models.clear()
                    self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
                self._models[key] = self._look_up(provider_name, model_name)
            return self._models[key]

    def _look_up(self, provider_name: str | None, model_name: str) -> ModelInfo | None:
        equivalent = self._settings.hosted_equivalents.get(model_name)
        if equivalent is not None:
            provider_name, model_name = None, equivalent
        provider_id: str | None = None
        if provider_name is not None:
            name = _PROVIDER_ALIASES.get(provider_name, provider_name)
            provider = find_provider_by_id(providers, name)
            if provider is None:  # vllm, ollama, …: nobody's list price
                return None
            provider_id = provider.id
        try:
            return self._snapshot.find_provider_model(model_name, None, provider_id, None)[1]
        except LookupError:
            return None


def _tokens(row: SpanRow) -> TokenCounts:
    """Cached tokens are part of the input: never more than it, and priced once."""
    input_tokens = row.input_tokens or 0
    cache_read = min(row.cache_read_tokens or 0, input_tokens)
    cache_write = min(row.cache_write_tokens or 0, input_tokens - cache_read)
    return TokenCounts(input_tokens, cache_read, cache_write, row.output_tokens or 0)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def _storable(cost: Decimal) -> Decimal | None:
    if not cost.is_finite() or not 0 <= cost < _BELOW:
        return None
    return cost.quantize(_STEP)
