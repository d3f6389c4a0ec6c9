"""GPU data points to one row a device and instant."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

from tachograph.semconv import attributes as a
from tachograph_collector.translate.dialects.metrics import (
    GPU_COLUMN_MEANS,
    GPU_METRICS,
    GpuMetric,
)
from tachograph_collector.translate.limits import Limits, expiry
from tachograph_collector.translate.readings import Point, number_of
from tachograph_collector.translate.resource import Source
from tachograph_collector.translate.values import as_count, cut, python_values, text_of
from tachograph_store.rows import GpuReadingRow

_WHOLE_COLUMNS: Final = frozenset({"memory_used_bytes", "memory_total_bytes", "throttle_reasons"})
_GPU_NAME: Final = "gpu.name"  # OpenLIT's SDK
_MAX_TEXT_BYTES = 256
_MAX_ATTRIBUTES = 32
_MAX_GPU_INDEX = 2**16 - 1


@dataclass(frozen=True, slots=True)
class GpuPoint:
    """One data point that fills a column of one device's row."""

    target: GpuMetric
    gpu_id: str  # '' where the point does not say
    point: NumberDataPoint

    @classmethod
    def of(cls, metric_name: str, point: Point) -> "GpuPoint | None":
        """The point, or None where the metric's column means something else."""
        if not isinstance(point, NumberDataPoint):
            return None
        target = GPU_METRICS[metric_name]
        gpu_id = ""
        for attribute in point.attributes:
            text = attribute.value.string_value
            if attribute.key == target.gpu_id:
                gpu_id = cut(text, _MAX_TEXT_BYTES)[0]
            elif text and GPU_COLUMN_MEANS.get(attribute.key, text) != text:
                return None
        return cls(target, gpu_id, point)


def gpu_rows(
    points: Iterable[GpuPoint], source: Source, project: str, limits: Limits
) -> list[GpuReadingRow]:
    """One row for all points of the same device and time."""
    columns: dict[tuple[str, int], dict[str, Any]] = {}
    attributes: dict[tuple[str, int], dict[str, str]] = {}
    for gpu_point in points:
        point, target = gpu_point.point, gpu_point.target
        texts = {key: text_of(value) for key, value in python_values(point.attributes).items()}
        texts.pop(target.gpu_id)
        key = (gpu_point.gpu_id, point.time_unix_nano)
        value = _value(target, point)
        if value is not None:
            columns.setdefault(key, {})[target.column] = value
        attributes.setdefault(key, {}).update(texts)
    return [
        _row(gpu_id, time, columns.get((gpu_id, time), {}), texts, source, project, limits)
        for (gpu_id, time), texts in attributes.items()
    ]


def _value(target: GpuMetric, point: NumberDataPoint) -> float | int | None:
    number = (number_of(point) or 0.0) * target.scale
    if target.column in _WHOLE_COLUMNS:
        return as_count(number)
    return number if math.isfinite(number) else None


def _row(
    gpu_id: str,
    time: int,
    columns: dict[str, Any],
    texts: dict[str, str],
    source: Source,
    project: str,
    limits: Limits,
) -> GpuReadingRow:
    gpu_index = as_count(texts.pop(a.GPU_INDEX, None))
    gpu_model = texts.pop(a.HW_MODEL, None) or texts.get(a.HW_NAME) or texts.get(_GPU_NAME)
    rest = {
        cut(key, _MAX_TEXT_BYTES)[0]: cut(value, _MAX_TEXT_BYTES)[0]
        for key, value in list(texts.items())[:_MAX_ATTRIBUTES]
    }
    return GpuReadingRow(
        project=project,
        gpu_id=gpu_id,
        time=time,
        host=source.host,
        gpu_index=gpu_index if gpu_index is None or gpu_index <= _MAX_GPU_INDEX else None,
        gpu_model=None if gpu_model is None else cut(gpu_model, _MAX_TEXT_BYTES)[0],
        attributes=rest,
        expires_on=expiry(time, limits.readings_retention_days),
        **columns,
    )
