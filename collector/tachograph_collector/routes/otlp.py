"""`POST /v1/traces`, `/v1/metrics`, `/v1/logs`: OTLP over HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from tachograph.semconv.values import Role
from tachograph_collector.body import read_body
from tachograph_collector.errors import ApiError, unavailable
from tachograph_collector.ingest import Body
from tachograph_collector.otlp.decode import Encoding, encoding_of
from tachograph_collector.otlp.encode import encode, encode_error
from tachograph_collector.otlp.signals import LOGS, METRICS, TRACES, Signal
from tachograph_collector.routes.dependencies import BEARER, Parts, collector_of, principal_of
from tachograph_collector.service import Collector
from tachograph_store.errors import StoreError

router = APIRouter(tags=["OTLP"], dependencies=[BEARER])


def _media(message: str) -> dict[str, Any]:
    return {
        Encoding.PROTOBUF.value: {"schema": {"type": "string", "format": "binary"}},
        Encoding.JSON.value: {"schema": {"type": "object", "title": message}},
    }


def _described(signal: str) -> dict[str, Any]:
    """Keyword arguments that put an OTLP route into the OpenAPI page."""
    return {
        "response_class": Response,
        "responses": {
            200: {
                "description": f"Kept; `partial_success` says which {signal} were rejected",
                "content": _media("ExportServiceResponse"),
            },
            "4XX": {"description": "Refused for good", "content": _media("google.rpc.Status")},
            429: {"description": "Retry after `Retry-After`"},
            503: {"description": "Nothing kept: retry after `Retry-After`"},
        },
        "openapi_extra": {
            "requestBody": {"required": True, "content": _media("ExportServiceRequest")}
        },
    }


@router.post("/v1/traces", **_described("spans"))
async def export_traces(request: Request, parts: Parts) -> Response:
    """Take spans; answered when they are in the journal."""
    return await _export(request, parts, TRACES)


@router.post("/v1/metrics", **_described("data points"))
async def export_metrics(request: Request, parts: Parts) -> Response:
    """Take GPU and engine readings, and counts of what the sender dropped."""
    return await _export(request, parts, METRICS)


@router.post("/v1/logs", **_described("log records"))
async def export_logs(request: Request, parts: Parts) -> Response:
    """Take `gen_ai.evaluation.result` events as scores."""
    return await _export(request, parts, LOGS)


class OtlpShortcut:
    """Takes exports to the same end without FastAPI's way there.

    Its routing and dependencies cost 14 % of all CPU at 100 spans a request, more with fewer. The
    routes above say on the OpenAPI page what is taken, and answer other methods.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        taken = None
        if scope["type"] == "http" and scope["method"] == "POST":
            taken = _ROUTES.get(scope["path"])
        if taken is None:
            await self._app(scope, receive, send)
            return
        signal, scope["route"] = taken
        request = Request(scope, receive, send)
        response = await _export(request, collector_of(request), signal)
        await response(scope, receive, send)


_SIGNALS = {"/v1/traces": TRACES, "/v1/metrics": METRICS, "/v1/logs": LOGS}
_ROUTES = {
    route.path: (_SIGNALS[route.path], route)
    for route in router.routes
    if isinstance(route, APIRoute)
}


async def _export(request: Request, parts: Collector, signal: Signal) -> Response:
    content_type = request.headers.get("content-type", "")
    try:
        encoding = encoding_of(content_type)
    except ApiError as error:
        return _refusal(error, Encoding.JSON)
    try:
        principal = await principal_of(request)
        principal.require(Role.INGEST)
        with parts.limiter.lease() as lease:
            content = await read_body(request, lease, parts.settings)
            body = Body(principal, content, request.headers.get("content-encoding", ""), encoding)
            rejections = await signal.keep(parts.ingest, body, lease)
    except ApiError as error:
        return _refusal(error, encoding)
    except StoreError as error:
        return _refusal(unavailable(str(error), parts.settings.retry_after_s), encoding)
    message = signal.answer(rejections.total, rejections.message())
    return Response(encode(message, encoding), media_type=encoding.value)


def _refusal(error: ApiError, encoding: Encoding) -> Response:
    return Response(
        encode_error(error, encoding),
        status_code=error.status,
        headers=error.headers(),
        media_type=encoding.value,
    )
