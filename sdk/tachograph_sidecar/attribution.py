"""Who used the engine, and who the joules: a rule that splits busy time over requests in flight."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

NS = 1_000_000_000
POWER_IS_STALE_NS = 2 * NS
"""A power reading older than this says nothing about now."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one request used. None is unknown, never nothing.

    Attributes:
        engine_s: its share of the wall time in which the engine was busy, seconds.
        gpu_s: the same, times the GPUs that were read; None without a GPU.
        energy_j: its share of the energy drawn in that time, idle power included; None where any
            part of it was not measured.
        method: the name of the rule.
    """

    engine_s: float
    gpu_s: float | None
    energy_j: float | None
    method: str


class AttributionRule(Protocol):
    """Splits what the machine did over the requests in flight; all times on one monotonic clock."""

    def begin(self, key: Hashable, now_ns: int) -> None:
        """A request reached the engine."""

    def end(self, key: Hashable, now_ns: int) -> Share | None:
        """It left the engine; None for a key that never began."""

    def power(self, now_ns: int, watts: float | None, gpu_count: int) -> None:
        """A reading of all GPUs together; None: no longer known."""


@dataclass(slots=True)
class _Start:
    busy_share_s: float
    energy_share_j: float
    unmeasured_share_s: float


class EqualShare:
    """Each interval between two events is split evenly over the requests in flight in it.

    Kept as three running integrals over 1/n, so that a request's share is a difference and costs
    the same with 1 request in flight as with 10,000. Power holds from one reading to the next.
    """

    METHOD = "equal_share"

    def __init__(self) -> None:
        self._starts: dict[Hashable, _Start] = {}
        self._last_ns = 0
        self._busy_share_s = 0.0
        self._energy_share_j = 0.0
        self._unmeasured_share_s = 0.0
        self._watts: float | None = None
        self._watts_until_ns = 0
        self._gpu_count = 0
        self.busy_s = 0.0
        """Wall time with at least one request in flight; the shares of all requests sum to it."""

    @property
    def in_flight(self) -> int:
        return len(self._starts)

    def begin(self, key: Hashable, now_ns: int) -> None:
        self._advance(now_ns)
        self._starts[key] = _Start(
            self._busy_share_s, self._energy_share_j, self._unmeasured_share_s
        )

    def end(self, key: Hashable, now_ns: int) -> Share | None:
        self._advance(now_ns)
        start = self._starts.pop(key, None)
        if start is None:
            return None
        engine_s = self._busy_share_s - start.busy_share_s
        is_measured = self._gpu_count > 0 and self._unmeasured_share_s == start.unmeasured_share_s
        return Share(
            engine_s=engine_s,
            gpu_s=engine_s * self._gpu_count if self._gpu_count else None,
            energy_j=self._energy_share_j - start.energy_share_j if is_measured else None,
            method=self.METHOD,
        )

    def power(self, now_ns: int, watts: float | None, gpu_count: int) -> None:
        self._advance(now_ns)
        self._watts = watts
        self._watts_until_ns = now_ns + POWER_IS_STALE_NS
        self._gpu_count = gpu_count

    def _advance(self, now_ns: int) -> None:
        since, self._last_ns = self._last_ns, max(now_ns, self._last_ns)
        elapsed_ns = self._last_ns - since
        count = len(self._starts)
        if not count or elapsed_ns <= 0:
            return
        self.busy_s += elapsed_ns / NS
        self._busy_share_s += elapsed_ns / NS / count
        measured_ns = 0
        if self._watts is not None:
            measured_ns = max(0, min(self._last_ns, self._watts_until_ns) - since)
            self._energy_share_j += self._watts * measured_ns / NS / count
        if measured_ns < elapsed_ns:
            self._unmeasured_share_s += (elapsed_ns - measured_ns) / NS / count
