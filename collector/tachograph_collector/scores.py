"""Scores find the spans that they judge."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tachograph_collector.store_link import StoreLink
from tachograph_store.client import Store
from tachograph_store.queries.span_facts import SpanFacts, span_facts
from tachograph_store.rows import ScoreRow

_IDS_PER_QUESTION = 5_000


async def find_span_times(
    link: StoreLink, project: str, rows: Sequence[ScoreRow]
) -> list[ScoreRow]:
    """The rows with time, model, tenant and variant of their spans.

    A score whose span is not stored (yet) keeps the time it came with. Raises `StoreError`.
    """
    found: list[ScoreRow] = []
    for start in range(0, len(rows), _IDS_PER_QUESTION):
        part = rows[start : start + _IDS_PER_QUESTION]
        ids = {(row.trace_id, row.span_id) for row in part}
        facts = await link.ask(partial(_facts, project=project, ids=ids))
        for row in part:
            span = facts.get((row.trace_id, row.span_id))
            found.append(
                row
                if span is None
                else replace(
                    row,
                    span_time=span.start_time,
                    model=span.model,
                    tenant=span.tenant,
                    variant=span.variant,
                )
            )
    return found


def _facts(
    store: Store, *, project: str, ids: set[tuple[str, str]]
) -> dict[tuple[str, str], SpanFacts]:
    return span_facts(store, project, ids)
