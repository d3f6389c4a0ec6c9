"""`POST /api/v1/scores`: a score or feedback on a span."""

import time

from fastapi import APIRouter

from tachograph.semconv.values import Role
from tachograph_collector.auth import Principal
from tachograph_collector.errors import ApiError
from tachograph_collector.routes.dependencies import BEARER, Judge, Parts
from tachograph_collector.routes.models import ScoreAnswer, ScoreRequest
from tachograph_collector.translate.limits import expiry, utc
from tachograph_store.client import Store
from tachograph_store.queries.span_facts import SpanFacts, span_facts
from tachograph_store.rows import ScoreRow

router = APIRouter(prefix="/api/v1", tags=["scores"], dependencies=[BEARER])

_SETTLE_S = 2.0
ANONYMOUS_AUTHOR = "anonymous"


@router.post("/scores", status_code=201)
async def post_score(score: ScoreRequest, principal: Judge, parts: Parts) -> ScoreAnswer:
    """Keep a score; the same caller's next score of that name on that span replaces it.

    Keys that only view give verdicts of people (source `human`), no others.
    """
    if score.source != "human":
        principal.require(Role.INGEST)
    if score.value is None and not score.label:
        raise ApiError(
            422,
            "empty_score",
            "the score has neither value nor label",
            "value",
            "send a value from 0 (bad) to 1 (good), a label, or both",
        )
    ids = (score.trace_id, score.span_id)

    def find(store: Store) -> dict[tuple[str, str], SpanFacts]:
        return span_facts(store, principal.project, {ids})

    facts = await parts.link.ask(find)
    if ids not in facts and await parts.station.settle(_SETTLE_S):
        facts = await parts.link.ask(find)  # it was acknowledged a moment ago
    if ids not in facts:
        raise ApiError(
            404,
            "unknown_span",
            f"this project has no span {score.span_id} in trace {score.trace_id}",
            "span_id",
            "check both ids; a span can be scored once its export was acknowledged",
        )
    row = _row(score, principal, facts[ids], parts.ingest.limits.retention_days)
    if not await parts.ingest.score(row):
        raise ApiError(422, "refused", "a text of the score is no UTF-8", None, "check its texts")
    return ScoreAnswer(
        trace_id=row.trace_id,
        span_id=row.span_id,
        name=row.name,
        evaluator=row.evaluator,
        author=row.author,
        value=row.value,
        label=row.label,
        created_at=row.created_at,
    )


def _row(
    score: ScoreRequest, principal: Principal, facts: SpanFacts, retention_days: int
) -> ScoreRow:
    return ScoreRow(
        project=principal.project,
        trace_id=score.trace_id,
        span_id=score.span_id,
        span_time=facts.start_time,
        evaluator=score.source,
        name=score.name,
        author=principal.key_id or ANONYMOUS_AUTHOR,
        source=score.source,
        value=score.value,
        label=score.label,
        explanation=score.comment,
        model=facts.model,
        tenant=facts.tenant,
        variant=facts.variant,
        sample_weight=score.sample_weight,
        created_at=utc(time.time_ns()),
        expires_on=expiry(facts.start_time, retention_days),
    )
