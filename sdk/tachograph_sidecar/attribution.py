"""Who used the engine: its busy time split over the requests in flight."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

NS: Final = 1_000_000_000
METHOD: Final = "equal_share"


@dataclass(frozen=True, slots=True)
class Share:
    """What one request used. None is unknown, never nothing.

    Attributes:
        engine_s: its share of the wall time in which the engine was busy, seconds.
        gpu_s: GPU-seconds; None without a GPU.
        energy_j: joules; None where any part was not measured.
        energy_error_j: one standard error of it, or the doubt of an uncalibrated rule.
        method: the name of the rule.
    """

    engine_s: float
    gpu_s: float | None = None
    energy_j: float | None = None
    energy_error_j: float | None = None
    method: str = METHOD


class EqualShare:
    """Each interval between two events is split evenly over the requests in flight in it.

    Kept as a running integral over 1/n, so that a request's share is a difference and costs the
    same with 1 request in flight as with 10,000. All times on one monotonic clock.
    """

    def __init__(self) -> None:
        self._starts: dict[Hashable, float] = {}
        self._last_ns = 0
        self._busy_share_s = 0.0
        self.busy_s = 0.0
        """Wall time with at least one request in flight; the shares of all requests sum to it."""

    @property
    def in_flight(self) -> int:
        return len(self._starts)

    def begin(self, key: Hashable, now_ns: int) -> None:
        """A request reached the engine."""
        self._advance(now_ns)
        self._starts[key] = self._busy_share_s

    def end(self, key: Hashable, now_ns: int) -> Share | None:
        """It left the engine; None for a key that never began."""
        self._advance(now_ns)
        start = self._starts.pop(key, None)
        return None if start is None else Share(self._busy_share_s - start)

    def _advance(self, now_ns: int) -> None:
        since, self._last_ns = self._last_ns, max(now_ns, self._last_ns)
        elapsed_ns = self._last_ns - since
        count = len(self._starts)
        if count and elapsed_ns > 0:
            self.busy_s += elapsed_ns / NS
            self._busy_share_s += elapsed_ns / NS / count
