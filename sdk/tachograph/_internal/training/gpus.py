"""The GPUs that a training run uses, read now and then."""

import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from tachograph._internal.delivery import MetricPoint
from tachograph._internal.gpu.nvml import NvmlSource
from tachograph._internal.gpu.readings import to_points
from tachograph._internal.gpu.source import GpuDevice, GpuSource, GpuUnavailable

_log = logging.getLogger("tachograph")

_INTERVAL_S: Final = 1.0


class TrainingGpus:
    """Devices of this machine that take part, and their energy since the run began."""

    def __init__(self, source: GpuSource | None, uuids: Sequence[str] | None) -> None:
        self._source = source or NvmlSource()
        self._devices: list[GpuDevice] = []
        try:
            found = self._source.open()
        except GpuUnavailable as error:
            _log.info("tachograph: no GPU readings of this run: %s", error)
            found = []
        self._devices = [each for each in found if uuids is None or each.identity.uuid in uuids]
        self._energy_before = [each.energy_j() for each in self._devices]
        self._read_at = 0.0

    @property
    def count(self) -> int:
        """How many of them there are."""
        return len(self._devices)

    def points(self, *, is_due_now: bool = False) -> list[MetricPoint]:
        """The readings, once a second at most; `is_due_now`: whatever the time."""
        now = time.monotonic()
        if not is_due_now and now - self._read_at < _INTERVAL_S:
            return []
        self._read_at = now
        return [
            point
            for device in self._devices
            for point in to_points(
                device.identity, device.state(), device.power_w(), device.energy_j(), time.time_ns()
            )
        ]

    def energy_j(self) -> float | None:
        """Joules that they took since the run began; None where one of them does not say."""
        if not self._devices:
            return None
        used = 0.0
        for device, before in zip(self._devices, self._energy_before, strict=True):
            now = device.energy_j()
            if now is None or before is None or now < before:
                return None
            used += now - before
        return used

    def close(self) -> None:
        """Let go of the driver."""
        self._devices = []
        self._source.close()


def cuda_uuids(arguments: Any) -> list[str] | None:
    """NVML's ids of the devices that a `TrainingArguments` uses on this machine; None: no CUDA."""
    if getattr(arguments.device, "type", None) != "cuda":
        return None
    cuda = sys.modules["torch"].cuda
    local = int(arguments.n_gpu)
    if arguments.world_size > 1:
        local = min(int(arguments.world_size), cuda.device_count())
        numbers = range(local)
    else:
        first = arguments.device.index or 0
        numbers = range(local) if local > 1 else range(first, first + 1)
    return [f"GPU-{cuda.get_device_properties(number).uuid}" for number in numbers]
