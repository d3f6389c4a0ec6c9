"""Health: the process, readiness for data, details; and Prometheus metrics."""

import time
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from tachograph.version import __version__
from tachograph_collector.exposition import exposition
from tachograph_collector.journal.station import JournalHealth
from tachograph_collector.routes.dependencies import Parts

router = APIRouter(tags=["health"])


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    process: int | None
    """Which of several processes behind this port answered; null when there is one."""


class Readiness(BaseModel):
    """Whether data can be accepted now, and what stands in the way."""

    status: Literal["ok", "unavailable"]
    problems: list[str]


class Health(Readiness):
    """Details; answered with 503 only when data cannot be accepted."""

    version: str
    process: int | None
    """Which of several processes behind this port answered, all below is about it; null for one."""
    uptime_s: float
    store_reachable: bool
    compiled: bool
    """Whether spans of everyday go the compiled way; false where it was not built or is switched off."""
    grpc: str | None
    """Address of OTLP/gRPC, `host:port`; null when it is off."""
    in_flight_bytes: int
    max_in_flight_bytes: int
    journal: JournalHealth


@router.get("/livez")
async def livez(parts: Parts) -> Liveness:
    """The process runs; says nothing of the store."""
    return Liveness(process=parts.process)


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(parts: Parts, response: Response) -> Readiness:
    """There is room for data: in memory, in the journal, on its disk."""
    problems = _problems(parts)
    if problems:
        response.status_code = 503
    return Readiness(status="unavailable" if problems else "ok", problems=problems)


@router.get("/healthz", responses={503: {"model": Health}})
async def healthz(request: Request, parts: Parts, response: Response) -> Health:
    """The same with details, the store and the drain among them."""
    is_reachable = await parts.link.is_reachable()
    problems = _problems(parts)
    if problems:
        response.status_code = 503
    return Health(
        status="unavailable" if problems else "ok",
        problems=problems,
        version=__version__,
        process=parts.process,
        uptime_s=round(time.time() - parts.started_at, 3),
        store_reachable=is_reachable,
        compiled=parts.ingest.is_compiled,
        grpc=request.app.state.grpc_address,
        in_flight_bytes=parts.limiter.in_flight_bytes,
        max_in_flight_bytes=parts.limiter.max_bytes,
        journal=parts.station.health(),
    )


@router.get("/metrics", response_class=Response)
async def metrics(parts: Parts) -> Response:
    """This process's own counters and the lag of judging in Prometheus' text format, over all projects."""
    text = exposition(parts, await parts.judging.read())
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _problems(parts: Parts) -> list[str]:
    problems: list[str] = []
    journal_problem = parts.station.journal.room_problem()
    if journal_problem is not None:
        problems.append(journal_problem)
    if parts.limiter.in_flight_bytes >= parts.limiter.max_bytes:
        problems.append("as many bytes are in flight as may be")
    return problems
