"""What a detector says: where, what, how sure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from re import Pattern
from typing import Final, Literal, NamedTuple, TypeAlias

Category: TypeAlias = Literal["pii", "name", "secret", "injection"]


class Finding(NamedTuple):
    """One detected piece of text: `text[start:stop]`, offsets in characters."""

    start: int
    stop: int
    type: str
    """What it is, a key of `CATEGORIES`."""
    confidence: float
    """Between 0 and 1. 0.5 and above is what `mask` removes by default."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A pattern, the literals without which it cannot match, and a check of each match.

    Patterns must run in linear time on any input: every repetition is bounded or cannot overlap
    what follows it, and a look-behind keeps the search from trying each position of a long run.
    """

    type: str
    pattern: Pattern[str]
    confidence: float
    needles: tuple[str, ...] = ()
    """The pattern is only tried on texts that contain one of these; () for always."""
    check: Callable[[str], float | None] | None = None
    """Confidence for this match (None: it is not one); without it, `confidence` holds."""
    group: int = 0
    """The group of the pattern that is the finding."""


CATEGORIES: Final[Mapping[str, Category]] = {
    "email": "pii",
    "phone": "pii",
    "iban": "pii",
    "credit_card": "pii",
    "us_ssn": "pii",
    "ip_address": "pii",
    "person": "name",
    "location": "name",
    "private_key": "secret",
    "jwt": "secret",
    "bearer_token": "secret",
    "url_credentials": "secret",
    "api_key": "secret",
    "password": "secret",
    "prompt_injection": "injection",
}
"""Every type of finding and the category it belongs to."""
