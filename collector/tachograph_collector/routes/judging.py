"""`GET /api/v1/evaluation`, `/feedback` and `/feedback/next`: how judging goes, and what people say."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from tachograph_collector.errors import ApiError
from tachograph_collector.routes.dependencies import BEARER, Parts, Reader
from tachograph_collector.routes.ranges import Range
from tachograph_store.queries.backlog import Backlog, evaluation_backlog
from tachograph_store.queries.feedback import Judged, ToLabel, feedback_judged, feedback_next
from tachograph_store.queries.selection import Selection

router = APIRouter(prefix="/api/v1", tags=["judging"], dependencies=[BEARER])

MAX_BUDGET = 1000


class EvaluationAnswer(BaseModel):
    """How far judging is; `lag_s` is the age of the oldest answer that waits."""

    lag_s: float | None
    backlog: Backlog


class FeedbackAnswer(BaseModel):
    """Each evaluator version that people's labels can be compared with."""

    evaluators: list[Judged]


class NextAnswer(BaseModel):
    """Answers worth a label; send `label_weight` back with the score as its `sample_weight`."""

    answers: list[ToLabel]


@router.get("/evaluation")
async def evaluation(principal: Reader, parts: Parts) -> EvaluationAnswer:
    """What waits to be judged, what was left out by sampling and what was given up."""
    found = await parts.link.ask(lambda store: evaluation_backlog(store, principal.project))
    return EvaluationAnswer(lag_s=found.lag_s, backlog=found)


@router.get("/feedback")
async def feedback(principal: Reader, parts: Parts, asked: Range) -> FeedbackAnswer:
    """Agreement of evaluators with people, and rates of good answers corrected by their labels."""
    selection = Selection(project=principal.project, since=asked.since, until=asked.until)
    return FeedbackAnswer(
        evaluators=await parts.link.ask(lambda store: feedback_judged(store, selection))
    )


@router.get("/feedback/next")
async def next_to_label(
    principal: Reader,
    parts: Parts,
    asked: Range,
    evaluator: Annotated[str, Query(max_length=300, description="name@version")],
    name: Annotated[str, Query(max_length=200, description="the score, e.g. grounding")],
    budget: Annotated[int, Query(ge=1, le=MAX_BUDGET)] = 20,
) -> NextAnswer:
    """About `budget` answers whose label would tell most about an evaluator."""
    plain, at, version = evaluator.rpartition("@")
    if not at:
        raise ApiError(
            422,
            "bad_evaluator",
            f"{evaluator!r} has no version",
            "evaluator",
            "write name@version, as /api/v1/feedback and the dashboard show it",
        )
    selection = Selection(project=principal.project, since=asked.since, until=asked.until)
    found = await parts.link.ask(
        lambda store: feedback_next(store, selection, plain, version, name, budget)
    )
    return NextAnswer(answers=found)
