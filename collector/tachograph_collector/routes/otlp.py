"""`POST /v1/traces`, `/v1/metrics`, `/v1/logs`: OTLP over HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response

from tachograph.semconv.values import Role
from tachograph_collector.body import read_body
from tachograph_collector.errors import ApiError, unavailable
from tachograph_collector.ingest import Body
from tachograph_collector.otlp.decode import Encoding, encoding_of
from tachograph_collector.otlp.encode import encode, encode_error
from tachograph_collector.otlp.signals import LOGS, METRICS, TRACES, Signal
from tachograph_collector.routes.dependencies import BEARER, Parts, principal_of
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


async def _export(request: Request, parts: Parts, signal: Signal) -> Response:
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
