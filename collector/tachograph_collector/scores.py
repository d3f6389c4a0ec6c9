"""Scores find the spans that they judge."""

from collections.abc import Sequence
from typing import Any, Final

from tachograph_collector.translate.limits import FUTURE_TOLERANCE_S, NANOSECONDS
from tachograph_store.client import Store
from tachograph_store.columns import Columns
from tachograph_store.queries.span_facts import SpanFacts, span_facts, spans_of_responses

_IDS_PER_QUESTION: Final = 5_000
RESPONSE_AGE_S: Final = 7 * 86_400
"""How long before its score a response may have been given and still be found by its id."""

_FACTS: Final = ("model", "tenant", "variant")


def find_spans(store: Store, scores: Columns) -> None:
    """Give rows of `scores` the time, model, tenant and variant of their spans, in place.

    A score without a trace has a response's id for its span: it gets the span's ids, too. A score
    whose span is not stored (yet) keeps what it came with. Raises `StoreError`.
    """
    names = ("trace_id", "span_id", "span_time", *_FACTS)
    columns: dict[str, list[Any]] = {name: list(scores[name]) for name in names}
    projects: Sequence[str] = scores["project"]
    for project in sorted(set(projects)):
        indexes = [index for index, owner in enumerate(projects) if owner == project]
        for start in range(0, len(indexes), _IDS_PER_QUESTION):
            part = indexes[start : start + _IDS_PER_QUESTION]
            for index, span in _found(store, project, columns, part).items():
                columns["trace_id"][index] = span.trace_id
                columns["span_id"][index] = span.span_id
                columns["span_time"][index] = span.start_time
                for name in _FACTS:
                    columns[name][index] = getattr(span, name)
    scores.update(columns)


def _found(
    store: Store, project: str, columns: dict[str, list[Any]], indexes: Sequence[int]
) -> dict[int, SpanFacts]:
    """The stored spans of some scores, by index."""
    named = [index for index in indexes if columns["trace_id"][index]]
    unnamed = [index for index in indexes if not columns["trace_id"][index]]
    ids = {index: (columns["trace_id"][index], columns["span_id"][index]) for index in named}
    facts = span_facts(store, project, set(ids.values()))
    found = {index: facts[key] for index, key in ids.items() if key in facts}
    if unnamed:
        times = [columns["span_time"][index] for index in unnamed]
        answered = spans_of_responses(
            store,
            project,
            {columns["span_id"][index] for index in unnamed},
            min(times) - RESPONSE_AGE_S * NANOSECONDS,
            max(times) + FUTURE_TOLERANCE_S * NANOSECONDS,
        )
        for index in unnamed:
            span = answered.get(columns["span_id"][index])
            if span is not None:
                found[index] = span
    return found
