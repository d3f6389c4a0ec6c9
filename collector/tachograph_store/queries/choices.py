"""What a page can be filtered by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tachograph_store.client import Store
from tachograph_store.queries.counted import answers_at_once
from tachograph_store.queries.counted_pieces import WHOLE, counted_pieces
from tachograph_store.queries.selection import Selection

_MAX_CHOICES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Values seen in the range, the most frequent first, 200 of each at most."""

    models: Sequence[str]
    tenants: Sequence[str]
    variants: Sequence[str]


def choices(store: Store, selection: Selection) -> Choices:
    """Models, tenants and variants of the counted requests of the range, whatever is selected."""
    whole = replace(selection, model=None, tenant=None, variant=None)
    pieces = counted_pieces(store, whole, None, reads_groups=True)
    parameters = {**whole.parameters(), **pieces.parameters()}
    questions = []
    if pieces.has_rollups:
        questions.append(("choices_rollups", parameters))
    if pieces.has_spans:
        together = {"by_model": True, "by_tenant": True, "by_variant": True}
        as_one = {"step_s": WHOLE, "with_times": False}
        questions.append(("counted_spans", {**parameters, **together, **as_one}))
    requests: dict[str, Counter[str]] = {
        "model": Counter(),
        "tenant": Counter(),
        "variant": Counter(),
    }
    for row in answers_at_once(store, questions):
        if "dimension" in row:
            requests[row["dimension"]][row["name"]] += row["requests"]
            continue
        for dimension, counter in requests.items():
            counter[row[dimension]] += row["requests"]
    return Choices(
        models=_busiest(requests["model"]),
        tenants=_busiest(requests["tenant"]),
        variants=_busiest(requests["variant"]),
    )


def _busiest(requests: Counter[str]) -> Sequence[str]:
    del requests[""]
    ranked = sorted(requests, key=lambda name: (-requests[name], name))
    return tuple(ranked[:_MAX_CHOICES])
