"""Answers of the OTLP routes, in the encoding of the request."""

import json
from typing import Protocol

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tachograph_collector.errors import ApiError
from tachograph_collector.otlp.decode import Encoding

_MAX_MESSAGE_CHARACTERS = 2000
_MAX_STATUS_CHARACTERS = 1000  # gRPC sends it twice, and clients take 8 KiB of trailers

_RPC_CODES = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    408: code_pb2.DEADLINE_EXCEEDED,
    413: code_pb2.INVALID_ARGUMENT,
    415: code_pb2.INVALID_ARGUMENT,
    429: code_pb2.RESOURCE_EXHAUSTED,
    500: code_pb2.INTERNAL,
    503: code_pb2.UNAVAILABLE,
}


class ExportAnswer(Protocol):
    """Makes the answer of one signal from what was rejected."""

    def __call__(self, rejected: int, message: str) -> Message: ...


def traces_answer(rejected: int, message: str) -> Message:
    """`ExportTraceServiceResponse`; `partial_success` only when something was rejected."""
    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = message[:_MAX_MESSAGE_CHARACTERS]
    return answer


def metrics_answer(rejected: int, message: str) -> Message:
    """`ExportMetricsServiceResponse`, likewise; `rejected` counts data points."""
    answer = ExportMetricsServiceResponse()
    if rejected:
        answer.partial_success.rejected_data_points = rejected
        answer.partial_success.error_message = message[:_MAX_MESSAGE_CHARACTERS]
    return answer


def logs_answer(rejected: int, message: str) -> Message:
    """`ExportLogsServiceResponse`, likewise; `rejected` counts log records."""
    answer = ExportLogsServiceResponse()
    if rejected:
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = message[:_MAX_MESSAGE_CHARACTERS]
    return answer


def encode(message: Message, encoding: Encoding) -> bytes:
    """The bytes of an answer."""
    if encoding is Encoding.PROTOBUF:
        return message.SerializeToString()
    return json.dumps(json_format.MessageToDict(message), separators=(",", ":")).encode()


def encode_error(error: ApiError, encoding: Encoding) -> bytes:
    """A `google.rpc.Status`, as OTLP asks for; its JSON also carries our own error object."""
    status = rpc_status(error)
    if encoding is Encoding.PROTOBUF:
        return bytes(status.SerializeToString())
    document = {"code": int(status.code), "message": status.message, **error.body()}
    return json.dumps(document, separators=(",", ":")).encode()


def rpc_status(error: ApiError) -> status_pb2.Status:
    """The error as gRPC and OTLP have it; `RetryInfo` in it says that a retry may succeed."""
    text = error.message if error.remedy is None else f"{error.message}; {error.remedy}"
    status = status_pb2.Status(
        code=_RPC_CODES.get(error.status, code_pb2.UNKNOWN), message=text[:_MAX_STATUS_CHARACTERS]
    )
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.seconds = error.retry_after_s
        status.details.add().Pack(retry)
    return status
