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


@dataclass(frozen=True, slots=True)
class AnsweredSpan(SpanFacts):
    """The span that a response id names."""

    response_id: str


def spans_of_responses(
    store: Store, project: str, response_ids: Collection[str], since_ns: int, until_ns: int
) -> dict[str, AnsweredSpan]:
    """By response id the span that answered so, the latest one that started in the window."""
    if not response_ids:
        return {}
    found = run(
        store,
        "span_of_response",
        AnsweredSpan,
        project=project,
        response_ids=sorted(set(response_ids)),
        since_ns=since_ns,
        until_ns=until_ns,
    )
    return {span.response_id: span for span in found}
