"""An OTLP/HTTP receiver that keeps what it is sent: stands where the collector would."""

import gzip
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

Value = str | bool | int | float | None
_PLAIN = ("string_value", "bool_value", "int_value", "double_value")


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it came over the wire."""

    name: str
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Point:
    """A metric point as it came over the wire."""

    name: str
    time_unix_ns: int
    value: float
    attributes: Mapping[str, Value]


@dataclass
class Sink:
    """Everything received so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    def named(self, name: str) -> list[Point]:
        """The points of one metric, in the order of their times."""
        return sorted(
            (point for point in list(self.points) if point.name == name),
            key=lambda point: point.time_unix_ns,
        )

    def take_spans(self, body: bytes) -> None:
        """Raises google.protobuf's DecodeError where it is no OTLP."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [Span(span.name, _values(span.attributes)) for span in scope.spans]

    def take_metrics(self, body: bytes) -> None:
        """Raises google.protobuf's DecodeError where it is no OTLP."""
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in (*metric.sum.data_points, *metric.gauge.data_points):
                        value = getattr(point, point.WhichOneof("value") or "as_double")
                        labels = _values(point.attributes)
                        self.points.append(
                            Point(metric.name, point.time_unix_nano, float(value), labels)
                        )


def _values(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for pair in pairs:
        kind = pair.value.WhichOneof("value")
        if kind in _PLAIN:
            found[pair.key] = getattr(pair.value, str(kind))
        else:
            found[pair.key] = str(pair.value)
    return found


@contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink on a free port of loopback."""
    sink = Sink()
    takers = {"/v1/traces": sink.take_spans, "/v1/metrics": sink.take_metrics}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            take = takers.get(self.path)
            if take is not None:
                take(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
