"""OTLP in JSON files: one export request a line, or one in the whole file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph.semconv.values import Observer, RejectReason
from tachograph_collector.errors import ApiError
from tachograph_collector.importing.batch import IMPORT_SOURCE, Batch
from tachograph_collector.importing.json_items import json_items, open_input
from tachograph_collector.otlp.decode import Encoding, decode
from tachograph_collector.pricing import Pricer
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.logs import translate_logs
from tachograph_collector.translate.metrics import translate_metrics
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.row import INDEX, span_row
from tachograph_collector.translate.spans import SpanTranslator

_OBSERVER: Final = INDEX["observer"]

REQUESTS: Final = ("resourceSpans", "resourceLogs", "resourceMetrics")
"""Keys of which an export request has one; the protobuf spelling is taken too."""


def request_kind(document: object) -> str | None:
    """Which of `REQUESTS` a JSON value is, or None."""
    if not isinstance(document, Mapping):
        return None
    for kind in REQUESTS:
        snake = kind.replace("S", "_s").replace("L", "_l").replace("M", "_m")
        if kind in document or snake in document:
            return kind
    return None


class OtlpReader:
    """Translates requests as the collector does, but for the past, and marks who brought them."""

    def __init__(self, project: str, limits: Limits, now_ns: int, pricer: Pricer) -> None:
        self._project = project
        self._limits = limits
        self._translator = SpanTranslator(limits)
        self._window = Window.around(now_ns, limits.retention_days)
        self._readings_window = Window.around(now_ns, limits.readings_retention_days)
        self._pricer = pricer

    def read(self, path: Path) -> Iterator[Batch]:
        """Rows of a file. Raises `NotJson`, `OSError`."""
        before = 0
        with open_input(path) as file:
            for document, seen in json_items(file):
                for batch in self._batches(document):
                    batch.read_bytes, before = seen - before, seen
                    yield batch

    def _batches(self, document: Any) -> Iterator[Batch]:
        kind = request_kind(document)
        try:
            if kind == "resourceSpans":
                yield from self._spans(document)
            elif kind == "resourceLogs":
                yield from self._logs(document)
            elif kind == "resourceMetrics":
                yield self._metrics(document)
            else:
                yield _refused(RejectReason.UNSUPPORTED)
        except (ApiError, TypeError):
            yield _refused(RejectReason.BAD_VALUE)

    def _spans(self, document: Any) -> Iterator[Batch]:
        request = decode(_bytes(document), Encoding.JSON, ExportTraceServiceRequest)
        rejections = Rejections()
        spans = self._translator.translate(request, None, self._project, self._window, rejections)
        batch, scores = Batch("spans", rejected=rejections.counts), Batch("logs")
        for index, values in enumerate(spans.rows):
            source = spans.sources[index]
            # A span that says which observer saw it keeps that: an engine's must not count.
            if values[_OBSERVER] == Observer.CLIENT:
                values[_OBSERVER] = Observer.IMPORT
            row = self._pricer.price(span_row(values), spans.currencies.get(index))
            batch.add("spans", row, source)
            for score in spans.scores.get(index, ()):
                scores.add("scores", score, source)
        yield batch
        if scores.rows:
            yield scores

    def _logs(self, document: Any) -> Iterator[Batch]:
        request = decode(_bytes(document), Encoding.JSON, ExportLogsServiceRequest)
        rejections = Rejections()
        logs = translate_logs(request, self._project, "", self._window, self._limits, rejections)
        batch, events = Batch("logs", rejected=rejections.counts), Batch("spans")
        for score in logs.scores:
            batch.add("scores", score.row, score.source)
        for event in logs.events:
            events.add("spans", event.row, event.source)
        yield batch
        if events.rows:
            yield events

    def _metrics(self, document: Any) -> Batch:
        request = decode(_bytes(document), Encoding.JSON, ExportMetricsServiceRequest)
        rejections = Rejections()
        metrics = translate_metrics(
            request, self._project, self._readings_window, self._limits, rejections
        )
        batch = Batch("metrics", rejected=rejections.counts)
        for gpu_reading in metrics.gpu_readings:
            batch.add("gpu_readings", gpu_reading, IMPORT_SOURCE)
        for engine_reading in metrics.engine_readings:
            batch.add("engine_readings", engine_reading, IMPORT_SOURCE)
        return batch


def _refused(reason: str) -> Batch:
    batch = Batch("spans")
    batch.rejected[IMPORT_SOURCE, reason] += 1
    return batch


def _bytes(document: Any) -> bytes:
    return orjson.dumps(document, default=float)  # floats were read as Decimals
