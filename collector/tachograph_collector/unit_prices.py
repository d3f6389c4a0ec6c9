"""List prices of tokens as five rates, where a model's price is that simple.

The price library takes 0.3 ms a request, more than the rest of a span's translation together. For
a price without tiers the answer is linear in the token counts, so the library is asked once for
each kind of token and the sum is done here; a test compares both over every model that it knows.
"""

from dataclasses import dataclass
from decimal import Decimal

from genai_prices import Usage
from genai_prices.types import ModelPrice, TieredPrices

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one request; the cached ones are parts of `input_tokens`, never more than it."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """US dollars for a million tokens of each kind, and for a request whatever its tokens."""

    fresh_input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal
    request: Decimal

    def cost(self, tokens: TokenCounts) -> Decimal:
        """US dollars for the tokens of one request."""
        fresh = tokens.input_tokens - tokens.cache_read_tokens - tokens.cache_write_tokens
        return (
            self.fresh_input * fresh
            + self.cache_read * tokens.cache_read_tokens
            + self.cache_write * tokens.cache_write_tokens
            + self.output * tokens.output_tokens
        ) / _MILLION + self.request


def unit_prices(price: ModelPrice) -> UnitPrices | None:
    """The rates of a price, None where it has tiers. Raises `ValueError` as the library does."""
    if any(isinstance(value, TieredPrices) for value in vars(price).values()):
        return None
    request = library_cost(price, TokenCounts(0, 0, 0, 0))
    return UnitPrices(
        fresh_input=library_cost(price, TokenCounts(_MILLION, 0, 0, 0)) - request,
        cache_read=library_cost(price, TokenCounts(_MILLION, _MILLION, 0, 0)) - request,
        cache_write=library_cost(price, TokenCounts(_MILLION, 0, _MILLION, 0)) - request,
        output=library_cost(price, TokenCounts(0, 0, 0, _MILLION)) - request,
        request=request,
    )


def library_cost(price: ModelPrice, tokens: TokenCounts) -> Decimal:
    """US dollars as the library says. Raises `ValueError` where it has no price for them."""
    usage = Usage(
        input_tokens=tokens.input_tokens,
        cache_read_tokens=tokens.cache_read_tokens or None,
        cache_write_tokens=tokens.cache_write_tokens or None,
        output_tokens=tokens.output_tokens,
    )
    return price.calc_price(usage)["total_price"]
