"""What a GPU says besides its quick readings: errors, links, who runs on it, its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One process that has a compute context on a device.

    Attributes:
        memory_bytes: device memory it holds; None where the driver does not tell (containers).
        sm_ratio: its share of the SM time since the last look, 0..1; None where not told.
    """

    pid: int
    name: str | None
    memory_bytes: int | None
    sm_ratio: float | None


@dataclass(frozen=True, slots=True)
class GpuPart:
    """A MIG device: a part of a GPU with memory of its own. Its power is not told apart."""

    uuid: str
    memory_used_bytes: int | None
    memory_total_bytes: int | None


@dataclass(frozen=True, slots=True)
class GpuDetails:
    """The slow readings; None is not supported or not readable now.

    Attributes:
        ecc_corrected, ecc_uncorrected: memory errors since the driver was loaded.
        pcie_sent_bytes_per_s, pcie_received_bytes_per_s: over the last 20 ms, which the call takes.
        nvlink_count: active links, counted about once a minute; 0 is none.
        nvlink_sent_bytes, nvlink_received_bytes: over all links since they came up.
        processes: None where the driver does not tell; empty when none runs.
        parts: MIG devices.
    """

    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None
    pcie_sent_bytes_per_s: int | None = None
    pcie_received_bytes_per_s: int | None = None
    nvlink_count: int | None = None
    nvlink_sent_bytes: int | None = None
    nvlink_received_bytes: int | None = None
    processes: Sequence[GpuProcess] | None = None
    parts: Sequence[GpuPart] = field(default=())


@dataclass(frozen=True, slots=True)
class XidError:
    """A driver's report that something went wrong on a device (NVIDIA's XID codes)."""

    uuid: str
    code: int
