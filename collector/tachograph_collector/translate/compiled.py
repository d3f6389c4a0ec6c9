"""The compiled way of usual spans (`_compiled_spans.pyx`), where it was built and is wanted.

It is told by `Rules` what the tables and functions of this package say. Where it cannot be imported
everything goes the way in Python, to the same rows.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tachograph_collector.translate.attribute_reader import DirectLine
from tachograph_store.compiled import is_wanted

if TYPE_CHECKING:
    from tachograph_collector.translate._compiled_spans import SpanReader


@dataclass(frozen=True, slots=True)
class Rules:
    """What the compiled way does not know by itself."""

    index: Mapping[str, int]
    """Field of a row -> its place."""
    kinds: Mapping[int, str]
    status_codes: Mapping[int, str]
    observers: AbstractSet[str]
    counting_observers: AbstractSet[str]
    model_operations: AbstractSet[str]
    max_attributes: int
    max_attribute_bytes: int
    direct: Sequence[tuple[bytes, DirectLine]]
    """By how they begin, attributes that are not remembered."""
    read: Callable[[bytes], tuple[int, str, Any]]
    """What becomes of an attribute that is not known yet."""
    settle: Callable[[dict[str, Any], str, int, int], None]
    is_exclusive: Callable[[str, object], bool]
    cut: Callable[[str, int], tuple[str, bool]]
    day_after: Callable[[int], tuple[date, date]]
    """Of a day since the epoch, when its span and its content expire."""


def span_reader(rules: Rules) -> "SpanReader | None":
    """The compiled way; None where it was not built, or is not wanted."""
    if not is_wanted():
        return None
    try:
        from tachograph_collector.translate._compiled_spans import SpanReader
    except ImportError:
        return None
    return SpanReader(rules)
