"""All bodies together are bounded, and every byte is given back."""

import pytest

from tachograph_collector.errors import ApiError
from tachograph_collector.limiter import ByteLimiter


def test_bodies_share_one_bound() -> None:
    limiter = ByteLimiter(10, retry_after_s=3)
    with limiter.lease() as first, limiter.lease() as second:
        first.grow(6)
        second.grow(4)
        with pytest.raises(ApiError) as caught:
            second.grow(1)
        assert caught.value.status == 429
        assert caught.value.headers()["retry-after"] == "3"
        assert limiter.in_flight_bytes == 10
    assert limiter.in_flight_bytes == 0


def test_a_failed_request_gives_its_bytes_back() -> None:
    limiter = ByteLimiter(10, retry_after_s=3)
    with pytest.raises(RuntimeError), limiter.lease() as lease:
        lease.grow(7)
        raise RuntimeError
    assert limiter.in_flight_bytes == 0
