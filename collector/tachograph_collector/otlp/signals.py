"""The three signals of OTLP: what both transports need to know of each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tachograph_collector.ingest import Body, Ingest
from tachograph_collector.limiter import Lease
from tachograph_collector.otlp.encode import (
    ExportAnswer,
    logs_answer,
    metrics_answer,
    traces_answer,
)
from tachograph_collector.translate.outcome import Rejections

_PACKAGE = "opentelemetry.proto.collector"


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: its name in gRPC, its pipeline, its answer."""

    service: str
    """The gRPC service; its only method is `Export`."""
    keep: Callable[[Ingest, Body, Lease], Awaitable[Rejections]]
    """Keeps the records of a body. Raises `ApiError`."""
    answer: ExportAnswer


TRACES: Final = Signal(f"{_PACKAGE}.trace.v1.TraceService", Ingest.traces, traces_answer)
METRICS: Final = Signal(f"{_PACKAGE}.metrics.v1.MetricsService", Ingest.metrics, metrics_answer)
LOGS: Final = Signal(f"{_PACKAGE}.logs.v1.LogsService", Ingest.logs, logs_answer)
SIGNALS: Final = (TRACES, METRICS, LOGS)
