"""Sends fuzzed cases to a collector and says what was wrong with its answer, if anything."""

import http.client
import socket
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import grpc
from tests.benchmarks.fuzz.mutate import SERVICES, Case

_ANSWER_S: Final = 60.0
_RAW_S: Final = 1.0
_OUR_FAULT: Final = frozenset(
    {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
)
_OVERSIZED: Final = "larger than max"


class Attacker:
    """A caller with a key; `http` and `grpc` are `host:port`."""

    def __init__(self, http_address: str, grpc_address: str, key: str) -> None:
        self._http_address = http_address
        self._grpc_address = grpc_address
        self._key = f"Bearer {key}"
        self._connection = http.client.HTTPConnection(http_address, timeout=_ANSWER_S)
        self._channel = grpc.insecure_channel(grpc_address, [("grpc.max_send_message_length", -1)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._channel.close()

    def send(self, case: Case) -> str | None:
        """None when the answer was one that any bytes may have; else what it was."""
        match case.transport:
            case "http":
                return self._send_http(case)
            case "grpc":
                return self._send_grpc(case)
            case "raw_http":
                return _fault_in(_raw(self._http_address, case.body))
            case _:
                _raw(self._grpc_address, case.body)  # that the process lives is seen elsewhere
                return None

    def _send_http(self, case: Case) -> str | None:
        headers = {"authorization": self._key, **dict(case.headers)}
        try:
            self._connection.request("POST", f"/v1/{case.signal}", case.body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"no answer: {error!r}"
        retry_after = answer.headers.get("retry-after")
        if answer.status >= 500 and not (answer.status == 503 and retry_after):
            return f"{answer.status}, Retry-After {retry_after}: {text[:300]!r}"
        return None

    def _send_grpc(self, case: Case) -> str | None:
        call: Any = self._channel.unary_unary(
            f"/opentelemetry.proto.collector.{SERVICES[case.signal]}Service/Export"
        )
        try:
            call(case.body, timeout=_ANSWER_S, metadata=(("authorization", self._key),))
        except grpc.RpcError as error:
            if error.code() in _OUR_FAULT:
                return f"gRPC {error.code()}: {error.details()}"
        return None


def _raw(address: str, content: bytes) -> bytes:
    """Whatever comes back within a second of sending bytes and closing our half."""
    host, _, port = address.rpartition(":")
    answer = b""
    with suppress(OSError), socket.create_connection((host, int(port)), _RAW_S) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            answer += part
    return answer


def _fault_in(answer: bytes) -> str | None:
    """A 5xx among the answers, a 503 that says when to come again excepted."""
    for piece in answer.split(b"HTTP/1.1 ")[1:]:
        head = piece.partition(b"\r\n\r\n")[0].lower()
        if head.startswith(b"5") and not (head.startswith(b"503") and b"retry-after:" in head):
            return f"raw: {piece[:300]!r}"
    return None
