"""Refusals as gRPC statuses, with the details that tell OTLP exporters when to come again."""

import grpc
from google.rpc import status_pb2  # type: ignore[import-untyped]

from tachograph_collector.errors import ApiError
from tachograph_collector.otlp.encode import rpc_status

DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata that holds the whole `google.rpc.Status`."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def status_of(error: ApiError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, message and trailing metadata: the arguments of `ServicerContext.abort`."""
    status: status_pb2.Status = rpc_status(error)
    return _CODES[status.code], status.message, ((DETAILS_KEY, status.SerializeToString()),)
