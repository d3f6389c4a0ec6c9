"""Scores find the spans that they judge."""

from collections.abc import Sequence
from typing import Any

from tachograph_store.client import Store
from tachograph_store.columns import Columns
from tachograph_store.queries.span_facts import SpanFacts, span_facts

_IDS_PER_QUESTION = 5_000


def find_spans(store: Store, scores: Columns) -> None:
    """Give rows of `scores` the time, model, tenant and variant of their spans, in place.

    A score whose span is not stored (yet) keeps what it came with. Raises `StoreError`.
    """
    ids = list(zip(scores["trace_id"], scores["span_id"], strict=True))
    projects: Sequence[str] = scores["project"]
    times: list[int] = list(scores["span_time"])
    details: dict[str, list[Any]] = {
        name: list(scores[name]) for name in ("model", "tenant", "variant")
    }
    for project in sorted(set(projects)):
        indexes = [index for index, owner in enumerate(projects) if owner == project]
        for start in range(0, len(indexes), _IDS_PER_QUESTION):
            part = indexes[start : start + _IDS_PER_QUESTION]
            facts = span_facts(store, project, {ids[index] for index in part})
            for index in part:
                span: SpanFacts | None = facts.get(ids[index])
                if span is not None:
                    times[index] = span.start_time
                    for name, values in details.items():
                        values[index] = getattr(span, name)
    scores["span_time"] = times
    scores.update(details)
