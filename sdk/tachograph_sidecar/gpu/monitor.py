"""Reads the GPUs in threads of its own: power ten times a second, counter and state once, details less."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tachograph._internal.delivery import MetricPoint
from tachograph._internal.gpu.readings import to_points
from tachograph._internal.gpu.source import GpuDevice, GpuSource, GpuUnavailable
from tachograph_sidecar.gpu.detail_points import detail_points, others_share, recognised

_log = logging.getLogger("tachograph.sidecar")


class ReadingListener(Protocol):
    """Told of readings from the monitor's threads; times of `time.perf_counter_ns`."""

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        """The power of each device, None where it cannot be read."""

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        """The energy counter of the device at a position."""

    def others(self, at_ns: int, share: float | None) -> None:
        """The share of the SM time since the last call that was not the engine's; None: not known."""

    def lost(self) -> None:
        """The devices are no longer read."""


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """Rhythm of the readings, seconds."""

    power_interval_s: float = 0.1
    energy_interval_s: float = 1.0
    state_interval_s: float = 1.0
    details_interval_s: float = 2.0
    retry_interval_s: float = 60.0
    """Pause between two looks for a driver where there was none, or after it was lost."""


class GpuMonitor:
    """Watches every device until stopped. A machine without a GPU is a state, not an error.

    Args:
        source: where devices come from.
        listener: told of each reading of power and energy.
        on_points: given the metric points of each second, from the monitor's thread.
        options: rhythm.
        engine_pids: which processes are the engine; None where that is not known.
    """

    def __init__(
        self,
        source: GpuSource,
        listener: ReadingListener,
        on_points: Callable[[Sequence[MetricPoint]], object],
        options: MonitorOptions | None = None,
        engine_pids: Callable[[], frozenset[int] | None] = lambda: None,
    ) -> None:
        self._source = source
        self._listener = listener
        self._on_points = on_points
        self._options = options or MonitorOptions()
        self._engine_pids = engine_pids
        self._xids: dict[str, Counter[int]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._devices: list[GpuDevice] = []
        self._energy_j: list[float | None] = []
        self._problem: str | None = "not started"

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="tachograph-gpu", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def state(self) -> dict[str, object]:
        """For people: the devices that are read, or why none are."""
        devices = self._devices
        if not devices:
            return {"available": False, "reason": self._problem}
        return {
            "available": True,
            "devices": [
                {"uuid": d.identity.uuid, "index": d.identity.index, "model": d.identity.model}
                for d in devices
            ],
        }

    # --- the monitor's threads

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                devices = self._source.open()
            except GpuUnavailable as error:
                if self._problem != str(error):
                    self._problem = str(error)
                    _log.info("tachograph sidecar: no GPU readings: %s", error)
                self._stop.wait(self._options.retry_interval_s)
                continue
            except Exception as error:  # noqa: BLE001 - a driver's defect must not reach requests
                self._problem = f"reading the GPUs failed: {error}"
                _log.exception("tachograph sidecar: reading the GPUs failed")
                self._stop.wait(self._options.retry_interval_s)
                continue
            self._watch(devices)

    def _watch(self, devices: list[GpuDevice]) -> None:
        """Read until stopped or until the devices stop answering."""
        self._energy_j = [None] * len(devices)
        self._devices = devices
        over = threading.Event()
        slow = [
            threading.Thread(target=target, args=(devices, over), name=name, daemon=True)
            for name, target in (
                ("tachograph-energy", self._watch_energy),
                ("tachograph-details", self._watch_details),
            )
        ]
        for thread in slow:
            thread.start()
        try:
            self._watch_power(devices)
        except Exception as error:  # noqa: BLE001 - a driver's defect must not reach requests
            self._problem = f"reading the GPUs failed: {error}"
            _log.exception("tachograph sidecar: reading the GPUs failed; trying again later")
        finally:
            over.set()
            for thread in slow:
                thread.join()
            self._devices = []
            self._listener.lost()
            self._source.close()
        self._stop.wait(self._options.retry_interval_s)

    def _watch_power(self, devices: list[GpuDevice]) -> None:
        next_state = next_power = time.monotonic()
        while not self._stop.is_set():
            now_ns = time.perf_counter_ns()
            watts = [device.power_w() for device in devices]
            self._listener.power(now_ns, watts)
            now = time.monotonic()
            if now >= next_state:
                next_state = max(next_state + self._options.state_interval_s, now)
                if not self._publish(devices, watts):
                    self._problem = "the devices stopped answering"
                    _log.warning("tachograph sidecar: the GPUs stopped answering")
                    return
            next_power = max(next_power + self._options.power_interval_s, now)
            self._stop.wait(next_power - now)

    def _publish(self, devices: list[GpuDevice], watts: list[float | None]) -> bool:
        points: list[MetricPoint] = []
        for position, device in enumerate(devices):
            points += to_points(
                device.identity,
                device.state(),
                watts[position],
                self._energy_j[position],
                time.time_ns(),
            )
        if points:
            self._on_points(points)
        return bool(points)

    def _watch_energy(self, devices: list[GpuDevice], over: threading.Event) -> None:
        """The counter blocks for milliseconds, so it has a thread of its own."""
        while not over.is_set():
            try:
                for position, device in enumerate(devices):
                    asked_ns = time.perf_counter_ns()
                    joules = self._energy_j[position] = device.energy_j()
                    if joules is not None:
                        # the call blocks: what it tells was so about half way through it
                        at_ns = (asked_ns + time.perf_counter_ns()) // 2
                        self._listener.energy(at_ns, position, joules)
            except Exception:  # noqa: BLE001 - a driver's defect must not reach requests
                _log.exception("tachograph sidecar: reading the energy counter failed")
                return
            over.wait(self._options.energy_interval_s)

    def _watch_details(self, devices: list[GpuDevice], over: threading.Event) -> None:
        """Links are measured over 20 ms each: a thread of its own again."""
        while not over.is_set():
            try:
                details = [device.details() for device in devices]
                at_ns, now_ns = time.perf_counter_ns(), time.time_ns()
                pids = recognised(details, self._engine_pids())
                self._listener.others(at_ns, others_share(details, pids))
                for error in self._source.xid_errors():
                    self._xids.setdefault(error.uuid, Counter())[error.code] += 1
                points: list[MetricPoint] = []
                for device, detail in zip(devices, details, strict=True):
                    xids = self._xids.get(device.identity.uuid, Counter())
                    points += detail_points(device.identity, detail, xids, pids, now_ns)
                if points:
                    self._on_points(points)
            except Exception:  # noqa: BLE001 - a driver's defect must not reach requests
                _log.exception("tachograph sidecar: reading errors, links and processes failed")
                return
            over.wait(self._options.details_interval_s)
