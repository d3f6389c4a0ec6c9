"""The energy of a stretch of time, read from the devices while loads run."""

import threading
import time
from collections.abc import Sequence
from typing import Final

from tachograph._internal.gpu.source import GpuDevice, GpuSource
from tachograph_sidecar.gpu.monitor import GpuMonitor, MonitorOptions
from tachograph_sidecar.ledger.meter import Meter

_READY_S: Final = 10.0
_OPTIONS: Final = MonitorOptions(power_interval_s=0.05, energy_interval_s=0.1)


class EnergyReader:
    """Reads all devices of a source between `start` and `stop`; times of `time.perf_counter_ns`.

    A `ReadingListener` of the monitor, whose threads call it.
    """

    def __init__(self, source: GpuSource) -> None:
        self._meter = Meter()
        self._lock = threading.Lock()
        self._monitor = GpuMonitor(source, self, lambda _: None, _OPTIONS)

    def start(self) -> bool:
        """Begin; False when no device tells its energy within ten seconds."""
        self._monitor.start()
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            with self._lock:
                if self._meter.device_count and self._meter.covers(1):
                    return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        self._monitor.stop()

    def between(self, start_ns: int, stop_ns: int) -> float | None:
        """Joules of all devices, once the readings reach `stop_ns`; None where some are missing."""
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            with self._lock:
                if self._meter.covers(stop_ns):
                    return self._meter.between(start_ns, stop_ns)
            time.sleep(0.02)
        return None

    # --- told by the monitor

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        with self._lock:
            for device, value in enumerate(watts):
                if value is not None:
                    self._meter.power(device, at_ns, value)

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        with self._lock:
            self._meter.counter(device, at_ns, joules)

    def others(self, at_ns: int, share: float | None) -> None:
        """Calibrating asks for a device that nobody else uses."""

    def lost(self) -> None:
        with self._lock:
            self._meter = Meter()


def identities(source: GpuSource) -> list[GpuDevice]:
    """The devices, opened once to be named. Raises GpuUnavailable."""
    devices = source.open()
    source.close()
    return devices
