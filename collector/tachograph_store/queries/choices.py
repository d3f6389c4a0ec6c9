"""What a page can be filtered by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tachograph_store.client import Store
from tachograph_store.queries.counted import Counted, Dimension, counted_by_each
from tachograph_store.queries.selection import Selection

_MAX_CHOICES: Final = 200
_DIMENSIONS: Final[Sequence[Dimension]] = ("model", "tenant", "variant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Values seen in the range, the most frequent first, 200 of each at most."""

    models: Sequence[str]
    tenants: Sequence[str]
    variants: Sequence[str]


def choices(store: Store, selection: Selection) -> Choices:
    """Models, tenants and variants of the counted requests of the range, whatever is selected."""
    whole = replace(selection, model=None, tenant=None, variant=None)
    models, tenants, variants = counted_by_each(store, whole, _DIMENSIONS)
    return Choices(
        models=_busiest(models, "model"),
        tenants=_busiest(tenants, "tenant"),
        variants=_busiest(variants, "variant"),
    )


def _busiest(found: Sequence[Counted], dimension: Dimension) -> Sequence[str]:
    requests: Counter[str] = Counter()
    for one in found:
        requests[getattr(one.group, dimension)] += one.sums.requests
    del requests[""]
    ranked = sorted(requests, key=lambda name: (-requests[name], name))
    return tuple(ranked[:_MAX_CHOICES])
