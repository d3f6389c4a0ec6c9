"""Percentiles from histograms stay within the error that they state."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.rollups.requests import exact_quantile

from tachograph_store.histogram import BUCKETS, PERCENTILE_ERROR, RATIO, quantiles_s, seconds_of

LEVELS = (0.5, 0.95, 0.99)


def bucket_of(nanoseconds: float) -> int:
    """As the SQL of rollups has it."""
    if nanoseconds < 1:
        return 0
    return min(BUCKETS - 1, 1 + math.floor(math.log(nanoseconds) / math.log(RATIO)))


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=200))
def test_quantiles_are_within_the_stated_error(nanoseconds: list[int]) -> None:
    counts = Counter(map(bucket_of, nanoseconds))
    for level, found in zip(LEVELS, quantiles_s(counts, LEVELS), strict=True):
        exact = exact_quantile(nanoseconds, level) * 1e-9
        assert found is not None
        assert abs(found - exact) <= PERCENTILE_ERROR * exact + 1e-15


def test_nothing_measured_is_unknown_not_zero() -> None:
    assert quantiles_s({}, LEVELS) == [None, None, None]
    assert quantiles_s({7: 0}, LEVELS) == [None, None, None]
    assert quantiles_s({0: 3}, LEVELS) == [0, 0, 0]


def test_the_error_is_half_a_bucket() -> None:
    assert math.sqrt(RATIO) - 1 <= PERCENTILE_ERROR


@pytest.mark.parametrize("bucket", [1, 500, BUCKETS - 1])
def test_a_bucket_is_told_by_its_middle(bucket: int) -> None:
    lower, upper = RATIO ** (bucket - 1) * 1e-9, RATIO**bucket * 1e-9
    assert seconds_of(bucket) == pytest.approx(math.sqrt(lower * upper))
