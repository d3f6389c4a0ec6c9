"""A span's row while it is made: a list of values in the order of the fields of `SpanRow`.

Making the frozen dataclass and replacing some of its 78 fields took 20 µs a span; copying a list of
defaults and setting what differs takes 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, Final

from tachograph_store.columns import Columns
from tachograph_store.rows import SpanRow

NAMES: Final = tuple(item.name for item in fields(SpanRow))
INDEX: Final[Mapping[str, int]] = {name: index for index, name in enumerate(NAMES)}
DEFAULTS: Final[Sequence[Any]] = [
    item.default_factory()
    if item.default_factory is not MISSING
    else None
    if item.default is MISSING
    else item.default
    for item in fields(SpanRow)
]
"""Shared by all rows: values are set, never changed."""

_values = attrgetter(*NAMES)
_WRITERS_OWN: Final = frozenset(
    {"version", "stored_at", "booked_by", "booked_block", "booked_source"}
)


def row_values(row: SpanRow) -> list[Any]:
    """The values of a dataclass."""
    return list(_values(row))


def span_row(values: Sequence[Any]) -> SpanRow:
    """The row as a dataclass."""
    return SpanRow(**dict(zip(NAMES, values, strict=True)))


def span_columns(rows: Sequence[Sequence[Any]]) -> Columns:
    """The rows column by column, without the columns that the writer fills."""
    if not rows:
        return {}
    columns = zip(NAMES, zip(*rows, strict=True), strict=True)
    return {name: values for name, values in columns if name not in _WRITERS_OWN}
