"""How many bytes of request bodies may be handled at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from tachograph_collector.errors import ApiError, overloaded


class ByteLimiter:
    """A bound on all bodies together; used from the event loop only."""

    def __init__(self, max_bytes: int, retry_after_s: int) -> None:
        self.max_bytes = max_bytes
        self._retry_after_s = retry_after_s
        self.in_flight_bytes = 0

    @contextmanager
    def lease(self) -> Iterator["Lease"]:
        """A lease to grow while a body arrives; all of it is given back at the end."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            self.in_flight_bytes -= lease.held_bytes
            lease.held_bytes = 0

    def refusal(self) -> ApiError:
        """The answer when there is no room."""
        return overloaded(self._retry_after_s)


class Lease:
    """The bytes of one request."""

    def __init__(self, limiter: ByteLimiter) -> None:
        self._limiter = limiter
        self.held_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Take room for more bytes. Raises `ApiError` 429 when there is none."""
        if self._limiter.in_flight_bytes + size_bytes > self._limiter.max_bytes:
            raise self._limiter.refusal()
        self._limiter.in_flight_bytes += size_bytes
        self.held_bytes += size_bytes
