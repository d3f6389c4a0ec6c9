"""Exponential histograms as the cumulative buckets that every other histogram is stored as.

Where a point has more buckets than are kept, neighbours are merged, as halving OTLP's `scale` does:
counts stay exact, bounds become coarser. With 64 buckets from 1 ms to 100 s a bound is a factor of
2^(1/2) from the next.
"""

import math
from collections.abc import Iterator
from typing import Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

MAX_BUCKETS: Final = 64
_SCALES: Final = range(-10, 21)  # what the protocol allows
_MAX_COUNTS: Final = 4096

Buckets = ExponentialHistogramDataPoint.Buckets


def is_sound(point: ExponentialHistogramDataPoint) -> bool:
    """Whether the point's scale and buckets are what the protocol allows."""
    lengths = (len(point.positive.bucket_counts), len(point.negative.bucket_counts))
    return point.scale in _SCALES and max(lengths) <= _MAX_COUNTS


def cumulative_buckets(point: ExponentialHistogramDataPoint) -> Iterator[tuple[str, float]]:
    """Upper bounds as Prometheus writes them, with how many values lie at or below."""
    scale, positive, negative = point.scale, _counts(point.positive), _counts(point.negative)
    while len(positive) > MAX_BUCKETS or len(negative) > MAX_BUCKETS:
        scale, positive, negative = scale - 1, _halved(positive), _halved(negative)
    below = 0
    for index in sorted(negative, reverse=True):
        below += negative[index]
        yield f"{-_bound(index, scale):g}", float(below)
    if point.zero_count:
        below += point.zero_count
        yield f"{point.zero_threshold:g}", float(below)
    for index in sorted(positive):
        below += positive[index]
        bound = _bound(index + 1, scale)
        if math.isfinite(bound):
            yield f"{bound:g}", float(below)
    yield "+Inf", float(point.count)


def _counts(buckets: Buckets) -> dict[int, int]:
    return {
        buckets.offset + place: count for place, count in enumerate(buckets.bucket_counts) if count
    }


def _halved(counts: dict[int, int]) -> dict[int, int]:
    merged: dict[int, int] = {}
    for index, count in counts.items():
        merged[index >> 1] = merged.get(index >> 1, 0) + count
    return merged


def _bound(index: int, scale: int) -> float:
    """The lower bound of a bucket: 2 to the power of index / 2^scale."""
    try:
        return math.pow(2.0, math.ldexp(float(index), -scale))
    except OverflowError:
        return math.inf
