"""What can be asked of a GPU, whoever answers: NVML, or a recording of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tachograph._internal.gpu.details import GpuDetails, XidError


class GpuUnavailable(Exception):
    """No GPU can be read here; the message says why."""


@dataclass(frozen=True, slots=True)
class GpuIdentity:
    """Which device: its UUID, position, product name and driver version."""

    uuid: str
    index: int
    model: str | None
    driver_version: str | None


@dataclass(frozen=True, slots=True)
class GpuState:
    """The quick readings of one instant; None is not supported or not readable now.

    Attributes:
        utilization_ratio: share of the last sample period in which a kernel ran, 0..1.
        memory_bus_ratio: share of it in which device memory was read or written, 0..1.
        throttle_reasons: NVML bit mask of why clocks are lowered; 0 is none.
    """

    utilization_ratio: float | None = None
    memory_bus_ratio: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_c: float | None = None
    clock_graphics_mhz: int | None = None
    clock_memory_mhz: int | None = None
    power_limit_w: float | None = None
    throttle_reasons: int | None = None


class GpuDevice(Protocol):
    """One device. Every reading is None where it is not supported; nothing raises."""

    @property
    def identity(self) -> GpuIdentity: ...

    def power_w(self) -> float | None:
        """Power drawn now, watts."""

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded. Blocks about 4 ms on an H100."""

    def state(self) -> GpuState:
        """The quick readings."""

    def details(self) -> GpuDetails:
        """The slow ones: errors, links, processes. Blocks about 50 ms on an H100."""


class GpuSource(Protocol):
    """Where devices come from."""

    def open(self) -> list[GpuDevice]:
        """The devices of this machine. Raises GpuUnavailable when there are none to read."""

    def xid_errors(self) -> Sequence[XidError]:
        """What the driver reported since the last look; never waits."""

    def close(self) -> None:
        """Let go of the driver."""
