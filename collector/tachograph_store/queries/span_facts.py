"""Spans by their ids: what a score needs to know of the answer that it judges."""

from collections.abc import Collection
from dataclasses import dataclass

from tachograph_store.client import Store
from tachograph_store.queries import run


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """One span; `start_time` in ns since the epoch."""

    trace_id: str
    span_id: str
    start_time: int
    model: str | None
    tenant: str | None
    variant: str | None


def span_facts(
    store: Store, project: str, ids: Collection[tuple[str, str]]
) -> dict[tuple[str, str], SpanFacts]:
    """Facts of those of the spans (trace id, span id) that are stored."""
    if not ids:
        return {}
    found = run(
        store,
        "span_facts",
        SpanFacts,
        project=project,
        trace_ids=sorted({trace_id for trace_id, _ in ids}),
        spans=sorted(trace_id + span_id for trace_id, span_id in ids),
    )
    return {(facts.trace_id, facts.span_id): facts for facts in found}
