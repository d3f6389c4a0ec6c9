"""Bytes that were valid once: seeds of every kind that the collector reads, and ways to break them."""

import gzip
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from backports import zstd
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.benchmarks.ingest.spans import Stream
from tests.fixtures.otlp_json import json_of

from tachograph.semconv.attributes import RESPONSE_ID

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
SERVICES: Final = {
    "traces": "trace.v1.Trace",
    "metrics": "metrics.v1.Metrics",
    "logs": "logs.v1.Logs",
}
_INTERESTING: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x12, 0x22, 0x5B, 0x7B, 0x4A)
_MAX_BYTES: Final = 1 << 20
_MAX_REPEATS: Final = 4096


@dataclass(frozen=True, slots=True)
class Case:
    """One request: over HTTP as a path, headers and a body, over gRPC as a message, or raw bytes
    to either port."""

    transport: str  # http | grpc | raw_http | raw_grpc
    signal: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Mutator:
    """An endless source of cases; the same seed gives the same cases, their times apart."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._messages = valid_messages()
        self._mutations: Sequence[Callable[[bytearray], bytearray]] = (
            self._flip, self._overwrite, self._insert, self._delete, self._repeat, self._swap,
            self._cut, self._number, self._splice,
        )  # fmt: skip

    def case(self) -> Case:
        """The next case: one in eight is valid."""
        signal = self._random.choice(list(self._messages))
        message = self._random.choice(self._messages[signal])
        transport = self._random.choices(
            ("http", "grpc", "raw_http", "raw_grpc"), weights=(10, 3, 2, 1)
        )[0]
        if transport == "http":
            return self._http(signal, message)
        if transport == "grpc":
            body = self._mutated(message.SerializeToString())
            if self._random.random() < 0.3:
                body = self._mutated(gzip.compress(body, 1))
            return Case("grpc", signal, (), body)
        if transport == "raw_http":
            return Case("raw_http", signal, (), self._mutated(self._head(signal, message)))
        return Case("raw_grpc", signal, (), self._mutated(_HTTP2))

    def _http(self, signal: str, message: Message) -> Case:
        is_json = self._random.random() < 0.4
        if is_json:
            body = json_of(message)
        else:
            body = message.SerializeToString()
        body = self._mutated(body)
        headers = [("content-type", JSON if is_json else PROTOBUF)]
        coding = self._random.choice(("", "", "gzip", "zstd"))
        if coding:
            body = gzip.compress(body, 1) if coding == "gzip" else zstd.compress(body, 1)
            headers.append(("content-encoding", coding))
            if self._random.random() < 0.5:
                body = self._mutated(body)
        if self._random.random() < 0.05:
            headers[-1] = (headers[-1][0], self._text(headers[-1][1]))
        return Case("http", signal, tuple(headers), body)

    def _head(self, signal: str, message: Message) -> bytes:
        body = message.SerializeToString()[:2000]
        return (
            f"POST /v1/{signal} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {PROTOBUF}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode() + body

    def _text(self, text: str) -> str:
        mutated = bytes(self._mutated(text.encode()))[:200]
        return "".join(chr(byte) for byte in mutated if 0x20 <= byte < 0x7F)

    def _mutated(self, content: bytes) -> bytes:
        data = bytearray(content)
        for _ in range(self._random.choice((0, 1, 1, 2, 3, 5, 8, 20))):
            data = self._random.choice(self._mutations)(data)[:_MAX_BYTES]
        return bytes(data)

    def _at(self, data: bytearray) -> int:
        return self._random.randrange(len(data)) if data else 0

    def _range(self, data: bytearray) -> slice:
        start = self._at(data)
        return slice(start, start + int(2 ** self._random.uniform(0, 10)))

    def _flip(self, data: bytearray) -> bytearray:
        if data:
            data[self._at(data)] ^= 1 << self._random.randrange(8)
        return data

    def _overwrite(self, data: bytearray) -> bytearray:
        if data:
            data[self._at(data)] = self._random.choice(_INTERESTING)
        return data

    def _insert(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at:at] = self._random.randbytes(self._random.randint(1, 16))
        return data

    def _delete(self, data: bytearray) -> bytearray:
        del data[self._range(data)]
        return data

    def _repeat(self, data: bytearray) -> bytearray:
        part = self._range(data)
        times = int(2 ** self._random.uniform(0, 12))
        data[part.start : part.start] = data[part][: _MAX_BYTES // times] * min(times, _MAX_REPEATS)
        return data

    def _swap(self, data: bytearray) -> bytearray:
        part = data[self._range(data)]
        at = self._at(data)
        data[at : at + len(part)] = part
        return data

    def _cut(self, data: bytearray) -> bytearray:
        return data[: self._at(data)]

    def _number(self, data: bytearray) -> bytearray:
        at = self._at(data)
        value = self._random.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1))
        data[at : at + 8] = struct.pack("<Q", value)
        return data

    def _splice(self, data: bytearray) -> bytearray:
        other = self._random.choice(self._random.choice(list(self._messages.values())))
        part = bytearray(other.SerializeToString())
        at = self._at(data)
        data[at:at] = part[self._range(part)]
        return data


def valid_messages() -> dict[str, list[Message]]:
    """What mutation begins with, by signal."""
    traces = ExportTraceServiceRequest.FromString(Stream(8).bodies(8)[0].content)
    for number, span in enumerate(traces.resource_spans[0].scope_spans[0].spans, 1):
        span.trace_id, span.span_id = bytes([number // 5 + 1]) * 16, bytes([number]) * 8
        span.parent_span_id = b""
        for attribute in span.attributes:
            if attribute.key == RESPONSE_ID:
                attribute.value.string_value = f"chatcmpl-{number}"
    metrics = ExportMetricsServiceRequest()
    scope = metrics.resource_metrics.add().scope_metrics.add()
    point = scope.metrics.add(name="hw.power", unit="W").gauge.data_points.add()
    point.as_double, point.time_unix_nano = 124.0, 1
    point.attributes.add(key="hw.id").value.string_value = "GPU-1"
    histogram = scope.metrics.add(name="vllm:e2e_request_latency_seconds").histogram
    buckets = histogram.data_points.add(count=3, sum=1.5)
    buckets.bucket_counts.extend([1, 2])
    buckets.explicit_bounds.extend([0.5])
    exponential = scope.metrics.add(name="gen_ai.client.operation.duration")
    exponential.exponential_histogram.data_points.add(
        count=2, scale=3
    ).positive.bucket_counts.append(2)
    logs = ExportLogsServiceRequest()
    record = (
        logs.resource_logs.add()
        .scope_logs.add()
        .log_records.add(
            event_name="gen_ai.evaluation.result", trace_id=b"\x01" * 16, span_id=b"\x01" * 8
        )
    )
    record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.5
    record.attributes.add(key="gen_ai.evaluation.name").value.string_value = "toxicity"
    record.body.string_value = "x"
    return {"traces": [traces], "metrics": [metrics], "logs": [logs]}


# A connection preface, SETTINGS, HEADERS of an Export call, DATA with one message of 4 bytes.
_HTTP2: Final = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + bytes.fromhex("000000040000000000")
    + bytes.fromhex("000035010400000001")
    + b"\x83\x86\x44\x1e/opentelemetry.proto.collector"
    + b"\x41\x08127.0.0.\x40\x02te\x08trailers"
    + bytes.fromhex("000009000100000001000000000400010203")
)
