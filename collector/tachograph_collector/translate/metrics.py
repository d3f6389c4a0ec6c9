"""`ExportMetricsServiceRequest` to GPU readings, engine readings and the senders' own losses."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)

from tachograph.semconv.metrics import (
    CLIENT_DROPPED,
    CLIENT_SUBMITTED,
    ENGINE_PREFIXES,
    GPU_READING_COLUMNS,
)
from tachograph.semconv.values import RejectReason
from tachograph_collector.translate.gpu import GpuPoint, gpu_rows
from tachograph_collector.translate.limits import Limits, Window, expiry
from tachograph_collector.translate.losses import loss_row
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.resource import Source, read_resource
from tachograph_collector.translate.values import as_count, cut, python_values, text_of
from tachograph_store.rows import EngineReadingRow, GpuReadingRow, LedgerRow

_MAX_LABELS = 32
_MAX_LABEL_BYTES = 256
_NUMBERS = ("gauge", "sum")


@dataclass(slots=True)
class TranslatedMetrics:
    """Rows of one metrics request; `points` counts the data points behind them, by source."""

    gpu_readings: list[GpuReadingRow] = field(default_factory=list)
    engine_readings: list[EngineReadingRow] = field(default_factory=list)
    losses: list[LedgerRow] = field(default_factory=list)
    points: dict[str, int] = field(default_factory=dict)


def translate_metrics(
    request: ExportMetricsServiceRequest,
    project: str,
    window: Window,
    limits: Limits,
    rejections: Rejections,
) -> TranslatedMetrics:
    """Rows of all acceptable data points; the others are counted in `rejections`."""
    translated = TranslatedMetrics()
    for resource_metrics in request.resource_metrics:
        source = read_resource(resource_metrics.resource, limits)
        gpu_points: list[GpuPoint] = []
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                reader = _MetricReader(metric, source, project, window, limits)
                accepted = reader.read(translated, gpu_points)
                if accepted:
                    name = source.ledger_name
                    translated.points[name] = translated.points.get(name, 0) + accepted
                for reason, count in reader.refused.items():
                    rejections.add(source.ledger_name, reason, count)
        translated.gpu_readings.extend(gpu_rows(gpu_points, source, project, limits))
    return translated


@dataclass(slots=True)
class _MetricReader:
    metric: Metric
    source: Source
    project: str
    window: Window
    limits: Limits
    refused: dict[str, int] = field(default_factory=dict)

    def read(self, translated: TranslatedMetrics, gpu_points: list[GpuPoint]) -> int:
        """Append the rows of this metric; return how many data points they stand for."""
        name = self.metric.name
        kind = self.metric.WhichOneof("data")
        is_known = (
            name in GPU_READING_COLUMNS
            or name in (CLIENT_DROPPED, CLIENT_SUBMITTED)
            or name.startswith(ENGINE_PREFIXES)
        )
        if kind is None:
            return 0
        accepted = 0
        for point in getattr(self.metric, kind).data_points:
            reason = self._reject_reason(kind, point) if is_known else RejectReason.UNSUPPORTED
            if reason is not None:
                self.refused[reason] = self.refused.get(reason, 0) + 1
                continue
            accepted += 1
            if name in GPU_READING_COLUMNS:
                gpu_points.append(GpuPoint(name, point))
            elif name.startswith(ENGINE_PREFIXES):
                translated.engine_readings.extend(self._engine_rows(kind, point))
            else:
                translated.losses.append(
                    loss_row(self.metric, point, self.source, self.project, self.limits)
                )
        return accepted

    def _reject_reason(self, kind: str, point: NumberDataPoint | HistogramDataPoint) -> str | None:
        if kind == "histogram" and not self.metric.name.startswith(ENGINE_PREFIXES):
            return RejectReason.UNSUPPORTED
        if kind not in (*_NUMBERS, "histogram"):
            return RejectReason.UNSUPPORTED
        is_loss = self.metric.name in (CLIENT_DROPPED, CLIENT_SUBMITTED)
        if is_loss and not _is_cumulative(self.metric):
            return RejectReason.UNSUPPORTED
        if point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            return RejectReason.UNSUPPORTED
        if isinstance(point, NumberDataPoint):
            value = _number(point)
            if value is None or not math.isfinite(value):
                return RejectReason.BAD_VALUE
            if is_loss and as_count(value) is None:
                return RejectReason.BAD_VALUE
            if self.metric.name in GPU_READING_COLUMNS and not GpuPoint.is_identified(point):
                return RejectReason.BAD_VALUE
        elif not math.isfinite(point.sum) or (
            point.bucket_counts and len(point.bucket_counts) != len(point.explicit_bounds) + 1
        ):
            return RejectReason.BAD_VALUE
        return self.window.reject_reason(point.time_unix_nano)

    def _engine_rows(
        self, kind: str, point: NumberDataPoint | HistogramDataPoint
    ) -> Iterator[EngineReadingRow]:
        labels = {
            cut(key, _MAX_LABEL_BYTES)[0]: cut(text_of(value), _MAX_LABEL_BYTES)[0]
            for key, value in list(python_values(point.attributes).items())[:_MAX_LABELS]
        }
        name = cut(self.metric.name, _MAX_LABEL_BYTES)[0]
        if isinstance(point, NumberDataPoint):
            is_counter = kind == "sum" and self.metric.sum.is_monotonic
            value = _number(point) or 0.0
            yield self._row(name, labels, point.time_unix_nano, is_counter, value)
            return
        time = point.time_unix_nano
        yield self._row(f"{name}_sum", labels, time, True, point.sum)
        yield self._row(f"{name}_count", labels, time, True, float(point.count))
        cumulative = 0
        for bound, count in zip(_bounds(point), point.bucket_counts, strict=True):
            cumulative += count
            yield self._row(
                f"{name}_bucket", {**labels, "le": bound}, time, True, float(cumulative)
            )

    def _row(
        self, name: str, labels: dict[str, str], time: int, is_counter: bool, value: float
    ) -> EngineReadingRow:
        return EngineReadingRow(
            project=self.project,
            name=name,
            instance=self.source.service_instance_id,
            labels=labels,
            labels_hash=_labels_hash(labels),
            time=time,
            kind="counter" if is_counter else "gauge",
            value=value,
            unit=cut(self.metric.unit, _MAX_LABEL_BYTES)[0],
            expires_on=expiry(time, self.limits.readings_retention_days),
        )


def _number(point: NumberDataPoint) -> float | None:
    match point.WhichOneof("value"):
        case "as_double":
            return point.as_double
        case "as_int":
            return float(point.as_int)
        case _:
            return None


def _is_cumulative(metric: Metric) -> bool:
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    return metric.HasField("sum") and metric.sum.aggregation_temporality == cumulative


def _bounds(point: HistogramDataPoint) -> Iterable[str]:
    """Upper bounds as Prometheus writes them: `0.5`, `10`, `+Inf`."""
    if not point.bucket_counts:
        return ()
    return [*(f"{bound:g}" for bound in point.explicit_bounds), "+Inf"]


def _labels_hash(labels: dict[str, str]) -> int:
    """64 bits that tell label sets apart, whatever their order."""
    digest = blake2b(digest_size=8)
    for key in sorted(labels):
        for part in (key, labels[key]):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(4, "big"))
            digest.update(encoded)
    return int.from_bytes(digest.digest(), "big")
