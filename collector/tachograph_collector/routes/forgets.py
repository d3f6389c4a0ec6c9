"""`/api/v1/forgets`: a user or a session is taken out of everything, and how far that is."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from tachograph_collector.auth import Principal
from tachograph_collector.errors import ApiError
from tachograph_collector.forgetting.turn import is_taken, running
from tachograph_collector.routes.dependencies import BEARER, Admin, Parts
from tachograph_store import forget
from tachograph_store.forget import BEGUN, Subject
from tachograph_store.forget_markers import SESSION, USER, forget_requests
from tachograph_store.rows import ForgetRequestRow

router = APIRouter(prefix="/api/v1", tags=["forgetting"], dependencies=[BEARER])

_AGAIN: Final = "send the same request again: it goes on where it ended"


class ForgetOrder(BaseModel):
    """Whom to forget: a user or a session, as spans name it."""

    model_config = ConfigDict(extra="forbid")

    user: str | None = Field(default=None, min_length=1, max_length=4096)
    session: str | None = Field(default=None, min_length=1, max_length=4096)


class FoundRows(BaseModel):
    """Rows that would be deleted now, by table."""

    found: dict[str, int]


class ForgetAnswer(BaseModel):
    """A forget request. The name is not kept: `subject_hash` is a salted hash of it."""

    request_id: str
    kind: Literal["user", "session"]
    subject_hash: str
    state: Literal["running", "interrupted", "failed", "done"]
    step: str = Field(description="what it is at, or failed at; empty when done")
    requested_by: str = Field(description="id of the API key; `command` for the command line")
    requested_at: datetime = Field(description="rows that began until then are not taken any more")
    finished_at: datetime | None
    found: dict[str, int] = Field(description="rows by table when it began")
    error: str | None
    remedy: str | None


class ForgetsAnswer(BaseModel):
    """The project's forget requests, the newest first."""

    requests: list[ForgetAnswer]


@router.post(
    "/forgets",
    status_code=202,
    responses={409: {"description": "the project is forgetting somebody else"}},
)
async def post_forget(
    order: ForgetOrder, principal: Admin, parts: Parts, response: Response
) -> ForgetAnswer:
    """Begin to delete every trace of a user or a session, with scores, jobs and alerts, for good.

    It takes minutes: ask the address in `Location` until the state is `done`. The same order while it
    runs is the same request; after that, one for what came since.
    """
    subject = _subject(order, principal)
    by = principal.key_id or principal.role
    request = await asyncio.to_thread(parts.forgetter.start, subject, by)
    response.headers["location"] = f"{router.prefix}/forgets/{request.request_id}"
    return _answer(request, {request.request_id})


@router.post("/forgets/count")
async def count_forget(order: ForgetOrder, principal: Admin, parts: Parts) -> FoundRows:
    """What would be deleted now; changes nothing."""
    subject = _subject(order, principal)
    found = await parts.link.ask(lambda store: forget.count_rows(store, subject))
    return FoundRows(found=found)


@router.get("/forgets")
async def list_forgets(
    principal: Admin, parts: Parts, limit: Annotated[int, Query(ge=1, le=10_000)] = 100
) -> ForgetsAnswer:
    """Who asked to forget, when, how much was found and what became of it; never whom."""
    requests, busy = await _requests(principal, parts)
    return ForgetsAnswer(requests=[_answer(request, busy) for request in requests[:limit]])


@router.get("/forgets/{request_id}")
async def get_forget(
    request_id: Annotated[str, Path(max_length=64)], principal: Admin, parts: Parts
) -> ForgetAnswer:
    """How far a request is."""
    requests, busy = await _requests(principal, parts)
    for request in requests:
        if request.request_id == request_id:
            return _answer(request, busy)
    raise ApiError(
        404,
        "unknown_forget",
        "this project has no such forget request",
        "request_id",
        "GET /api/v1/forgets lists them",
    )


async def _requests(
    principal: Principal, parts: Parts
) -> tuple[Sequence[ForgetRequestRow], set[str]]:
    # The lock first: what ends in between is not taken for interrupted.
    taken = await asyncio.to_thread(is_taken, principal.project)
    requests = await parts.link.ask(lambda store: forget_requests(store, principal.project))
    return requests, running(requests, taken)


def _subject(order: ForgetOrder, principal: Principal) -> Subject:
    if (order.user is None) == (order.session is None):
        raise ApiError(
            422,
            "not_one_subject",
            "exactly one of user and session is needed",
            "user",
            "send either user or session",
        )
    if order.user is not None:
        return Subject(principal.project, USER, order.user)
    return Subject(principal.project, SESSION, order.session or "")


def _answer(request: ForgetRequestRow, busy: set[str]) -> ForgetAnswer:
    state = request.state
    if state == BEGUN:
        state = "running" if request.request_id in busy else "interrupted"
    return ForgetAnswer.model_validate(
        {
            "request_id": request.request_id,
            "kind": request.kind,
            "subject_hash": request.subject_hash,
            "state": state,
            "step": request.step,
            "requested_by": request.requested_by,
            "requested_at": request.requested_at,
            "finished_at": request.finished_at,
            "found": dict(request.found),
            "error": request.error,
            "remedy": _AGAIN if state in ("interrupted", "failed") else None,
        }
    )
