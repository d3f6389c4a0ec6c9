"""Data points to rows of `engine_readings`, one or more each, as Prometheus would name them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from tachograph_collector.translate.exponential import cumulative_buckets
from tachograph_collector.translate.limits import Limits, expiry
from tachograph_collector.translate.resource import Source
from tachograph_collector.translate.values import cut, python_values, text_of
from tachograph_store.rows import EngineReadingRow

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint

_MAX_LABELS: Final = 32
_MAX_LABEL_BYTES: Final = 256
_DELTA: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_GAUGE, _COUNTER = "gauge", "counter"


@dataclass(frozen=True, slots=True)
class Readings:
    """One metric of one sender, ready to make rows of its points."""

    metric: Metric
    kind: str  # gauge | sum | histogram | exponential_histogram | summary
    source: Source
    project: str
    limits: Limits

    def rows(self, point: Point) -> Iterator[EngineReadingRow]:
        """The rows of one point; what the point leaves out has none."""
        labels = {
            cut(key, _MAX_LABEL_BYTES)[0]: cut(text_of(value), _MAX_LABEL_BYTES)[0]
            for key, value in list(python_values(point.attributes).items())[:_MAX_LABELS]
        }
        time = point.time_unix_nano
        counter = self._counter
        if isinstance(point, NumberDataPoint):
            is_counter = self.kind == "sum" and self.metric.sum.is_monotonic
            value = number_of(point) or 0.0
            yield self._row("", labels, time, counter if is_counter else _GAUGE, value)
            return
        if isinstance(point, SummaryDataPoint) or point.HasField("sum"):
            yield self._row("_sum", labels, time, counter, point.sum)
        yield self._row("_count", labels, time, counter, float(point.count))
        if isinstance(point, SummaryDataPoint):
            for quantile in point.quantile_values:
                named = {**labels, "quantile": f"{quantile.quantile:g}"}
                yield self._row("", named, time, _GAUGE, quantile.value)
            return
        for name in ("min", "max"):
            if point.HasField(name):
                yield self._row(f"_{name}", labels, time, _GAUGE, getattr(point, name))
        buckets = (
            _explicit_buckets(point)
            if isinstance(point, HistogramDataPoint)
            else cumulative_buckets(point)
        )
        for bound, count in buckets:
            yield self._row("_bucket", {**labels, "le": bound}, time, counter, count)

    @property
    def _counter(self) -> str:
        """What the counts of this metric are: since the sender's start, or since the last point."""
        if self.kind in ("gauge", "summary"):
            return _COUNTER
        temporality = getattr(self.metric, self.kind).aggregation_temporality
        return "delta" if temporality == _DELTA else _COUNTER

    def _row(
        self, suffix: str, labels: dict[str, str], time: int, kind: str, value: float
    ) -> EngineReadingRow:
        return EngineReadingRow(
            project=self.project,
            name=cut(self.metric.name, _MAX_LABEL_BYTES)[0] + suffix,
            instance=self.source.service_instance_id,
            labels=labels,
            labels_hash=_labels_hash(labels),
            time=time,
            kind=kind,
            value=value,
            unit=cut(self.metric.unit, _MAX_LABEL_BYTES)[0],
            expires_on=expiry(time, self.limits.readings_retention_days),
        )


def number_of(point: NumberDataPoint) -> float | None:
    """The value of a point, None where it has none."""
    match point.WhichOneof("value"):
        case "as_double":
            return point.as_double
        case "as_int":
            return float(point.as_int)
        case _:
            return None


def _explicit_buckets(point: HistogramDataPoint) -> Iterator[tuple[str, float]]:
    cumulative = 0
    for bound, count in zip(_bounds(point), point.bucket_counts, strict=True):
        cumulative += count
        yield bound, float(cumulative)


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
