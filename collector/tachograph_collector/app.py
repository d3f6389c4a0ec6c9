"""The FastAPI application: routes, errors in one shape, the OpenAPI page."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from tachograph.version import __version__
from tachograph_collector.docs_page import docs_page
from tachograph_collector.errors import ApiError, unavailable
from tachograph_collector.middleware import RequestCounter, RequestEnvelope
from tachograph_collector.otlp_grpc.server import running_grpc
from tachograph_collector.routes import (
    account,
    exploration,
    forgets,
    health,
    judging,
    ledger,
    otlp,
    scores,
    summary,
    traces,
    unit_costs,
)
from tachograph_collector.routes.models import ErrorAnswer
from tachograph_collector.service import running_collector
from tachograph_collector.settings import CollectorSettings
from tachograph_store.errors import QueryTooLarge, StoreError
from tachograph_store.settings import StoreSettings

_LOGGER = logging.getLogger(__name__)
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer},
    "5XX": {"model": ErrorAnswer},
}


def create_app(
    settings: CollectorSettings | None = None,
    store_settings: StoreSettings | None = None,
    *,
    announce: Callable[[str], None] = _LOGGER.info,
    process: int | None = None,
) -> FastAPI:
    """The collector as an ASGI application; it starts whether the store is there or not.

    OTLP/gRPC is served beside it, in the same event loop; `announce` is told its address.
    `process` is the number of this one among several that share their ports.
    """
    settings = settings or CollectorSettings()
    store_settings = store_settings or StoreSettings()
    requests = RequestCounter()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            running_collector(settings, store_settings, requests, process) as collector,
            running_grpc(collector) as grpc_address,
        ):
            app.state.collector = collector
            app.state.grpc_address = grpc_address
            if grpc_address is not None:
                announce(f"OTLP/gRPC on {grpc_address}")
            yield

    app = FastAPI(
        title="Tachograph collector",
        version=__version__,
        summary="OTLP in, questions answered",
        lifespan=lifespan,
        docs_url=None,  # the stock page loads scripts from a foreign host
        redoc_url=None,
    )
    app.include_router(otlp.router)
    for module in (
        account,
        traces,
        exploration,
        summary,
        unit_costs,
        scores,
        judging,
        ledger,
        forgets,
    ):
        app.include_router(module.router, responses=_ERRORS)
    app.include_router(health.router)
    app.add_middleware(otlp.OtlpShortcut)
    app.add_middleware(RequestEnvelope, counter=requests)
    _add_error_handlers(app, settings)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return docs_page(app.openapi())

    return app


def _add_error_handlers(app: FastAPI, settings: CollectorSettings) -> None:
    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> Response:
        return _answer(error)

    @app.exception_handler(StoreError)
    async def store_error(request: Request, error: StoreError) -> Response:
        if isinstance(error, QueryTooLarge):
            return _answer(
                ApiError(
                    422,
                    "question_too_large",
                    f"the question needs more than it may use: {error}",
                    "since",
                    "ask for a shorter time range",
                )
            )
        _LOGGER.warning("%s: %s", type(error).__name__, error)
        return _answer(unavailable(str(error), settings.retry_after_s))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _answer(_of_validation(error))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        remedy = "see /docs for the routes" if error.status_code in (404, 405) else None
        answer = ApiError(
            error.status_code, _code(error.status_code), str(error.detail), "path", remedy
        )
        response = _answer(answer)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        # The server logs the traceback; the caller learns nothing of our insides.
        return _answer(
            ApiError(
                500,
                "internal_error",
                "the collector failed at this request",
                remedy="see the collector's log; the same request may succeed later",
            )
        )


def _answer(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body(), error.status, error.headers())


def _code(status: int) -> str:
    return {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")


def _of_validation(error: RequestValidationError) -> ApiError:
    """The first problem; its input is not repeated, it may be anything."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    is_json = first["type"] != "json_invalid"
    field = ".".join(where[1:]) if is_json and len(where) > 1 else where[0]
    return ApiError(
        422 if is_json else 400,
        "invalid_value" if is_json else "malformed_body",
        f"{field}: {first['msg']}"[:500],
        field[:200],
        "see /docs for what this route takes",
    )
