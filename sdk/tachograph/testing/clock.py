"""A clock that stands still until it is told otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from tachograph._internal import clock


class ManualClock:
    """Spans and chunks are as long as the test says.

        clock = ManualClock()
        with recording(clock=clock) as receiver:
            with tachograph.span("s"):
                clock.advance(1.5)

    It stands at `now_s` seconds since 1970 until it is advanced.
    """

    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self._wall_ns = int(now_s * 1e9)
        self._monotonic_ns = 0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._wall_ns += int(seconds * 1e9)
        self._monotonic_ns += int(seconds * 1e9)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Be the SDK's clock inside."""
        former = clock.wall_ns, clock.monotonic_ns
        clock.wall_ns = lambda: self._wall_ns
        clock.monotonic_ns = lambda: self._monotonic_ns
        try:
            yield
        finally:
            clock.wall_ns, clock.monotonic_ns = former
