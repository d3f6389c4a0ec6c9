"""`ExportMetricsServiceRequest` to GPU readings, other readings and the senders' own losses."""

import math
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from tachograph.semconv.metrics import CLIENT_DROPPED, CLIENT_SUBMITTED
from tachograph.semconv.values import RejectReason
from tachograph_collector.translate.dialects.metrics import GPU_METRICS, READING_PREFIXES
from tachograph_collector.translate.exponential import is_sound
from tachograph_collector.translate.gpu import GpuPoint, gpu_rows
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.losses import loss_row
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.readings import Point, Readings, number_of
from tachograph_collector.translate.resource import Source, read_resource
from tachograph_collector.translate.values import as_count
from tachograph_store.rows import EngineReadingRow, GpuReadingRow, LedgerRow

_LOSSES: Final = (CLIENT_DROPPED, CLIENT_SUBMITTED)


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
        if kind is None:
            return 0
        is_loss = name in _LOSSES
        is_known = is_loss or name in GPU_METRICS or name.startswith(READING_PREFIXES)
        readings = Readings(self.metric, kind, self.source, self.project, self.limits)
        accepted = 0
        for point in getattr(self.metric, kind).data_points:
            gpu_point = GpuPoint.of(name, point) if name in GPU_METRICS else None
            reason = self._reject_reason(point, gpu_point) if is_known else RejectReason.UNSUPPORTED
            if reason is not None:
                self.refused[reason] = self.refused.get(reason, 0) + 1
                continue
            accepted += 1
            if is_loss:
                translated.losses.append(
                    loss_row(self.metric, point, self.source, self.project, self.limits)
                )
            elif gpu_point is not None:
                gpu_points.append(gpu_point)
            else:
                translated.engine_readings.extend(readings.rows(point))
        return accepted

    def _reject_reason(self, point: Point, gpu_point: GpuPoint | None) -> str | None:
        is_loss = self.metric.name in _LOSSES
        if is_loss and not (isinstance(point, NumberDataPoint) and _is_cumulative(self.metric)):
            return RejectReason.UNSUPPORTED
        if point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            return RejectReason.UNSUPPORTED
        if not _is_sound(point):
            return RejectReason.BAD_VALUE
        if is_loss and isinstance(point, NumberDataPoint) and as_count(number_of(point)) is None:
            return RejectReason.BAD_VALUE
        if gpu_point is not None and not gpu_point.gpu_id:
            return RejectReason.BAD_VALUE
        return self.window.reject_reason(point.time_unix_nano)


def _is_sound(point: Point) -> bool:
    """Whether the numbers of a point are finite and its buckets what they should be."""
    match point:
        case NumberDataPoint():
            value = number_of(point)
            return value is not None and math.isfinite(value)
        case HistogramDataPoint():
            counts, bounds = len(point.bucket_counts), len(point.explicit_bounds)
            return math.isfinite(point.sum) and (counts == 0 or counts == bounds + 1)
        case ExponentialHistogramDataPoint():
            return math.isfinite(point.sum) and is_sound(point)
        case SummaryDataPoint():
            return math.isfinite(point.sum) and all(
                math.isfinite(quantile.value) for quantile in point.quantile_values
            )


def _is_cumulative(metric: Metric) -> bool:
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    return metric.HasField("sum") and metric.sum.aggregation_temporality == cumulative
