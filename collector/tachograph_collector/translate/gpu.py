"""GPU data points to one row a device and instant."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

from tachograph.semconv import attributes as a
from tachograph.semconv.metrics import GPU_READING_COLUMNS
from tachograph_collector.translate.limits import Limits, expiry
from tachograph_collector.translate.resource import Source
from tachograph_collector.translate.values import as_count, cut, python_values, text_of
from tachograph_store.rows import GpuReadingRow

_WHOLE_COLUMNS: Final = frozenset({"memory_used_bytes", "memory_total_bytes", "throttle_reasons"})
_MAX_TEXT_BYTES = 256
_MAX_ATTRIBUTES = 32
_MAX_GPU_INDEX = 2**16 - 1


@dataclass(frozen=True, slots=True)
class GpuPoint:
    """One data point of a `hw.*` metric."""

    metric_name: str
    point: NumberDataPoint

    @staticmethod
    def is_identified(point: NumberDataPoint) -> bool:
        """Whether the point says of which device it speaks."""
        return any(
            attribute.key == a.HW_ID and attribute.value.string_value
            for attribute in point.attributes
        )


def gpu_rows(
    points: Iterable[GpuPoint], source: Source, project: str, limits: Limits
) -> list[GpuReadingRow]:
    """One row for all points of the same device and time."""
    columns: dict[tuple[str, int], dict[str, Any]] = {}
    attributes: dict[tuple[str, int], dict[str, str]] = {}
    for gpu_point in points:
        point = gpu_point.point
        texts = {key: text_of(value) for key, value in python_values(point.attributes).items()}
        key = (cut(texts.pop(a.HW_ID), _MAX_TEXT_BYTES)[0], point.time_unix_nano)
        column = GPU_READING_COLUMNS[gpu_point.metric_name]
        value = _value(column, point)
        if value is not None:
            columns.setdefault(key, {})[column] = value
        attributes.setdefault(key, {}).update(texts)
    return [
        _row(gpu_id, time, columns.get((gpu_id, time), {}), texts, source, project, limits)
        for (gpu_id, time), texts in attributes.items()
    ]


def _value(column: str, point: NumberDataPoint) -> float | int | None:
    number = point.as_double if point.WhichOneof("value") == "as_double" else point.as_int
    if column in _WHOLE_COLUMNS:
        return as_count(number)
    return float(number) if math.isfinite(number) else None


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
    gpu_model = texts.pop(a.HW_MODEL, None) or texts.get(a.HW_NAME)
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
