"""The collector over gRPC, called with any bytes, and what it answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

TRACES = "trace.v1.TraceService"


@dataclass(frozen=True)
class Refusal:
    """A status other than OK."""

    code: grpc.StatusCode
    message: str
    retry_after_s: int | None


Answer = bytes | Refusal


class GrpcCaller:
    """A channel, and one caller's metadata."""

    def __init__(self, address: str, key: str | None) -> None:
        self.address = address
        self.metadata = () if key is None else (("authorization", f"Bearer {key}"),)
        self.channel = grpc.insecure_channel(address, [("grpc.max_send_message_length", -1)])

    def send(
        self,
        *bodies: bytes,
        stream: Iterator[bytes] | None = None,
        service: str = TRACES,
        method: str = "Export",
        compression: grpc.Compression | None = None,
        metadata: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """The answer to one call that carries these messages: one, when it is a proper call."""
        call: Any = self.channel.stream_unary(f"/opentelemetry.proto.collector.{service}/{method}")
        try:
            return bytes(
                call(
                    stream or iter(bodies),
                    timeout=60,
                    compression=compression,
                    metadata=(*self.metadata, *metadata),
                )
            )
        except grpc.RpcError as error:
            return _refusal(error)

    def export(self, request: Message) -> ExportTraceServiceResponse:
        """Send spans, which must be taken."""
        answer = self.send(request.SerializeToString())
        assert isinstance(answer, bytes), answer
        return ExportTraceServiceResponse.FromString(answer)

    def refusal(self, *bodies: bytes, **options: object) -> Refusal:
        """Send what must be refused."""
        answer = self.send(*bodies, **options)  # type: ignore[arg-type]
        assert isinstance(answer, Refusal), answer
        return answer


def _refusal(error: grpc.RpcError) -> Refusal:
    assert isinstance(error, grpc.Call)
    retry_after_s = None
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = Status.FromString(value)
            assert status.message == error.details()
            for detail in status.details:
                retry = RetryInfo()
                assert detail.Unpack(retry)
                retry_after_s = retry.retry_delay.seconds
    return Refusal(error.code(), error.details() or "", retry_after_s)


MakeGrpcCaller = Callable[..., GrpcCaller]


@pytest.fixture
def grpc_caller(collector_url: str) -> Iterator[MakeGrpcCaller]:
    """Makes callers; of the shared collector unless the address of another's HTTP is given."""
    callers: list[GrpcCaller] = []

    def make(key: str | None, url: str = collector_url) -> GrpcCaller:
        callers.append(GrpcCaller(httpx.get(f"{url}/healthz", timeout=60).json()["grpc"], key))
        return callers[-1]

    yield make
    for caller in callers:
        caller.channel.close()
