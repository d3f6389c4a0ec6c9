"""What a request cost: the list price of its model, and the price of the machine's time.

List prices come from the data that genai-prices ships (US dollars); nothing is downloaded.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot, find_provider_by_id
from genai_prices.types import ModelInfo, ModelPrice

from tachograph.semconv.values import MODEL_OPERATIONS
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import utc
from tachograph_collector.translate.row import INDEX, row_values, span_row
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
(
    _OPERATION, _PROVIDER, _REQUEST_MODEL, _RESPONSE_MODEL, _START_TIME, _INPUT_TOKENS,
    _OUTPUT_TOKENS, _CACHE_READ_TOKENS, _CACHE_WRITE_TOKENS, _GPU_SECONDS, _ENGINE_SECONDS,
    _ENERGY_J, _LIST_COST, _COMPUTE_COST, _REPORTED_COST, _COST_CURRENCY,
) = (
    INDEX[name] for name in (
        "operation", "provider", "request_model", "response_model", "start_time", "input_tokens",
        "output_tokens", "cache_read_tokens", "cache_write_tokens", "gpu_seconds",
        "engine_seconds", "energy_j", "list_cost", "compute_cost", "reported_cost",
        "cost_currency",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Found:
    """What the price list says of a model."""

    model: ModelInfo
    units: UnitPrices | None
    """Its rates, where they depend neither on the day nor on tiers: most models' do not."""


class Pricer:
    """Prices span rows; safe to share between threads."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._units: dict[int, UnitPrices | None] = {}
        self._lock = threading.Lock()
        self._found: dict[tuple[str | None, str, str | None], _Found | None] = {}
        self._rate = (
            Decimal(1) if settings.currency == _LIST_CURRENCY else settings.currency_per_usd
        )
        self._has_compute_prices = (
            settings.gpu_hour_price is not None or settings.machine_hour_price is not None
        )
        self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)

    def price(self, row: SpanRow, reported_currency: str | None) -> SpanRow:
        """The row with its costs, see `price_values`."""
        values = row_values(row)
        self.price_values(values, reported_currency)
        return span_row(values)

    def price_values(self, row: list[Any], reported_currency: str | None) -> None:
        """Fill the cost columns of a row (`translate.row`); what cannot be known stays None.

        A reported cost in another currency than the settings' is not taken: the columns of a row
        share one currency (the attribute keeps it).
        """
        settings = self._settings
        if reported_currency not in (None, settings.currency):
            row[_REPORTED_COST] = None
        is_priced = row[_REPORTED_COST] is not None
        if row[_OPERATION] in MODEL_OPERATIONS:
            row[_LIST_COST] = list_cost = self._list_cost(row)
            is_priced = is_priced or list_cost is not None
        if self._has_compute_prices:
            row[_COMPUTE_COST] = compute_cost = self._compute_cost(row)
            is_priced = is_priced or compute_cost is not None
        if is_priced:
            row[_COST_CURRENCY] = settings.currency

    def _compute_cost(self, row: Sequence[Any]) -> Decimal | None:
        """Seconds used times the hourly price, plus electricity where energy is known."""
        settings = self._settings
        gpu_s, engine_s, energy_j = row[_GPU_SECONDS], row[_ENGINE_SECONDS], row[_ENERGY_J]
        if gpu_s is not None and settings.gpu_hour_price is not None:
            cost = _decimal(gpu_s) * settings.gpu_hour_price / _SECONDS_PER_HOUR
        elif engine_s is not None and settings.machine_hour_price is not None:
            cost = _decimal(engine_s) * settings.machine_hour_price / _SECONDS_PER_HOUR
        else:
            return None
        if energy_j is not None and settings.electricity_price_kwh is not None:
            cost += _decimal(energy_j) * settings.electricity_price_kwh / _JOULES_PER_KWH
        return _storable(cost)

    def _list_cost(self, row: Sequence[Any]) -> Decimal | None:
        """The list price of the model, or of the hosted model that stands for it."""
        rate = self._rate
        request_model = row[_REQUEST_MODEL]
        model_name = row[_RESPONSE_MODEL] or request_model
        has_usage = row[_INPUT_TOKENS] is not None or row[_OUTPUT_TOKENS] is not None
        if rate is None or model_name is None or not has_usage:
            return None
        key = (row[_PROVIDER], model_name, request_model)
        found = self._found.get(key)
        if found is None and key not in self._found:
            found = self._find(*key)
        if found is None:
            return None
        try:
            if found.units is not None:
                cost = found.units.cost(_tokens(row))
            else:
                cost = self._cost(found.model.get_prices(utc(row[_START_TIME])), _tokens(row))
        except (ValueError, LookupError):  # token kinds that this model has no price for
            return None
        return _storable(cost * rate)

    def _cost(self, price: ModelPrice, tokens: TokenCounts) -> Decimal:
        key = id(price)  # prices are parts of the library's data and live as long as it
        if key not in self._units:
            self._units[key] = unit_prices(price)
        units = self._units[key]
        return library_cost(price, tokens) if units is None else units.cost(tokens)

    def _find(
        self, provider_name: str | None, model_name: str, request_model: str | None
    ) -> _Found | None:
        """The price of the model that answered, or of the one asked for where that has none."""
        with self._lock:
            if len(self._found) >= _MAX_CACHED_MODELS:
                # Names come from outside; the snapshot remembers each of them too.
                self._found.clear()
                self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
            model = self._look_up(provider_name, model_name)
            if model is None and request_model not in (None, model_name):
                model = self._look_up(provider_name, request_model or "")
            found = None if model is None else _Found(model, _only_units(model))
            self._found[provider_name, model_name, request_model] = found
            return found

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


def _only_units(model: ModelInfo) -> UnitPrices | None:
    if not isinstance(model.prices, ModelPrice):
        return None
    try:
        return unit_prices(model.prices)
    except (ValueError, LookupError):
        return None


def _tokens(row: Sequence[Any]) -> TokenCounts:
    """Cached tokens are part of the input: never more than it, and priced once."""
    input_tokens = row[_INPUT_TOKENS] or 0
    cache_read = min(row[_CACHE_READ_TOKENS] or 0, input_tokens)
    cache_write = min(row[_CACHE_WRITE_TOKENS] or 0, input_tokens - cache_read)
    return TokenCounts(input_tokens, cache_read, cache_write, row[_OUTPUT_TOKENS] or 0)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def _storable(cost: Decimal) -> Decimal | None:
    if not cost.is_finite() or not 0 <= cost < _BELOW:
        return None
    return cost.quantize(_STEP)
