"""Histograms of times with buckets of fixed ratio: counts add up, percentiles have a known error.

Bucket 0 holds zero, bucket n the nanoseconds in [1.04^(n-1), 1.04^n), up to the last, 1000. The SQL of
rollups and counted requests says the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

RATIO: Final = 1.04
BUCKETS: Final = 1001
PERCENTILE_ERROR: Final = 0.02
"""How far a percentile may be from the exact one, as a share of it: the middle of a bucket is at most
a factor of the square root of `RATIO` from what the bucket holds."""

_NANOSECOND_S: Final = 1e-9


def seconds_of(bucket: int) -> float:
    """What stands for a bucket: its middle, of equal ratio to both ends."""
    return 0.0 if bucket == 0 else float(RATIO ** (bucket - 0.5)) * _NANOSECOND_S


def quantiles_s(counts: Mapping[int, int], levels: Iterable[float]) -> Sequence[float | None]:
    """Quantiles in seconds of a histogram (bucket -> how many); all None when it is empty.

    A quantile lies between the two values around rank level * (n - 1), in proportion, as the engine's
    own `quantile` has it; each value is its bucket's middle, so the error is at most
    `PERCENTILE_ERROR` of the quantile.
    """
    buckets = sorted(bucket for bucket, count in counts.items() if count)
    ranks = list(accumulate(counts[bucket] for bucket in buckets))
    if not ranks:
        return [None for _ in levels]
    return [_quantile_s(buckets, ranks, level) for level in levels]


def _quantile_s(buckets: Sequence[int], ranks: Sequence[int], level: float) -> float:
    position = level * (ranks[-1] - 1)
    below = int(position)
    share = position - below
    lower = seconds_of(buckets[_index(ranks, below)])
    upper = seconds_of(buckets[_index(ranks, min(below + 1, ranks[-1] - 1))])
    return lower + share * (upper - lower)


def _index(ranks: Sequence[int], rank: int) -> int:
    """Of the value of that rank, counted from 0."""
    return bisect_right(ranks, rank)
