"""What a page can be filtered by."""

from collections.abc import Sequence
from dataclasses import dataclass

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Values seen in the range, the most frequent first, 200 of each at most."""

    models: Sequence[str]
    tenants: Sequence[str]
    variants: Sequence[str]


def choices(store: Store, selection: Selection) -> Choices:
    """Models, tenants and variants of the counted requests of the range."""
    row = store.rows("choices", selection.range_parameters())[0]
    return Choices(
        models=tuple(row["models"]), tenants=tuple(row["tenants"]), variants=tuple(row["variants"])
    )
