"""What routes are given: the collector's parts and the caller."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from tachograph.semconv.values import Role
from tachograph_collector.auth import Principal
from tachograph_collector.service import Collector

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="API key",
    description="`Authorization: Bearer tg_…`; on loopback also without one, as project default",
)


def collector_of(request: Request) -> Collector:
    """The parts of the running collector."""
    collector: Collector = request.app.state.collector
    return collector


async def _parts(request: Request) -> Collector:
    # Not `collector_of` itself: what is not async is run in a thread, for each request.
    return collector_of(request)


async def principal_of(request: Request) -> Principal:
    """The caller. Raises `ApiError` 401, 403."""
    peer = request.client.host if request.client else None
    return await collector_of(request).authenticator.authenticate(request.headers, peer)


async def reader(request: Request) -> Principal:
    """A caller who may read."""
    principal = await principal_of(request)
    principal.require(Role.VIEW)
    return principal


async def judge(request: Request) -> Principal:
    """A caller who may say how good an answer is."""
    principal = await principal_of(request)
    principal.require(Role.VIEW, Role.INGEST)
    return principal


async def sender(request: Request) -> Principal:
    """A caller who may send data."""
    principal = await principal_of(request)
    principal.require(Role.INGEST)
    return principal


async def admin(request: Request) -> Principal:
    """A caller who may delete."""
    principal = await principal_of(request)
    principal.require(Role.ADMIN)
    return principal


BEARER = Depends(_BEARER)
"""Declares the API key in the OpenAPI page; `principal_of` reads it."""

Parts = Annotated[Collector, Depends(_parts)]
Anyone = Annotated[Principal, Depends(principal_of)]
Reader = Annotated[Principal, Depends(reader)]
Judge = Annotated[Principal, Depends(judge)]
Sender = Annotated[Principal, Depends(sender)]
Admin = Annotated[Principal, Depends(admin)]
