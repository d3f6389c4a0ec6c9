"""The monitor on a recording of a real H100, on machines without a GPU, and on broken drivers."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tachograph._internal.delivery import MetricPoint
from tachograph._internal.gpu.details import GpuDetails, XidError
from tachograph._internal.gpu.nvml import NvmlSource
from tachograph._internal.gpu.readings import to_points
from tachograph._internal.gpu.source import GpuDevice, GpuSource, GpuState, GpuUnavailable
from tachograph.semconv.metrics import GPU_READING_COLUMNS
from tachograph_sidecar.gpu.monitor import GpuMonitor, MonitorOptions
from tachograph_sidecar.gpu.replay import Recording, ReplaySource

RECORDING = Path(__file__).parents[2] / "fixtures" / "nvml" / "h100.jsonl"
FAST = MonitorOptions(
    power_interval_s=0.001, energy_interval_s=0.001, state_interval_s=0.002, retry_interval_s=0.01
)
DEADLINE_S = 30.0


class Kept:
    """What a monitor tells."""

    def __init__(self) -> None:
        self.powers: list[tuple[int, Sequence[float | None]]] = []
        self.energies: list[tuple[int, int, float]] = []
        self.losses = 0
        self.shares: list[float | None] = []
        self.points: list[MetricPoint] = []

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        self.energies.append((at_ns, device, joules))

    def others(self, at_ns: int, share: float | None) -> None:
        self.shares.append(share)

    def lost(self) -> None:
        self.losses += 1

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        self.powers.append((at_ns, watts))

    def on_points(self, points: Sequence[MetricPoint]) -> None:
        self.points.extend(points)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_recording_replays_as_typed_readings() -> None:
    recording = Recording(RECORDING)
    moment = 0
    (device,) = ReplaySource(recording, clock=lambda: moment).open()
    assert device.identity.model == "NVIDIA H100 80GB HBM3"
    assert device.identity.uuid.startswith("GPU-")
    energies: list[float] = []
    powers: list[float] = []
    for now in range(10**9, recording.duration_ns, 10**9):
        moment = now
        energy_j, power_w = device.energy_j(), device.power_w()
        assert energy_j is not None and power_w is not None
        energies.append(energy_j)
        powers.append(power_w)
        assert device.state().memory_total_bytes == 85520809984
    assert energies == sorted(energies)
    assert min(powers) < 100 and max(powers) > 500  # idle and under load


def test_the_recordings_power_integrates_to_its_energy_counter() -> None:
    lines = [json.loads(line) for line in RECORDING.read_text().splitlines()[1:]]
    power = [line for line in lines if line["kind"] == "power"]
    energy = [line for line in lines if line["kind"] == "energy"]
    integral_j = sum(
        a["power_w"] * (b["t_ns"] - a["t_ns"]) / 1e9 for a, b in itertools.pairwise(power)
    )
    counter_j = energy[-1]["energy_j"] - energy[0]["energy_j"]
    assert integral_j == pytest.approx(counter_j, rel=0.02)


def test_the_monitor_publishes_every_reading_of_a_device() -> None:
    kept = Kept()
    started = time.perf_counter_ns()
    source = ReplaySource(
        Recording(RECORDING), clock=lambda: 10**9 + time.perf_counter_ns() - started
    )
    monitor = GpuMonitor(source, kept, kept.on_points, FAST)
    monitor.start()
    try:
        _wait_until(lambda: any(point.name == "hw.energy" for point in kept.points))
        state = monitor.state()
    finally:
        monitor.stop()
    assert state["available"] is True
    assert kept.powers[0][1][0] is not None and len(kept.powers[0][1]) == 1
    assert kept.energies and all(device == 0 for _, device, _ in kept.energies)
    assert {point.name for point in kept.points} == set(GPU_READING_COLUMNS)
    instants = {point.time_unix_nano for point in kept.points if point.name == "hw.power"}
    assert len(instants) >= 1
    assert {point.attributes["hw.id"] for point in kept.points} == {
        Recording(RECORDING).identity.uuid
    }
    assert kept.losses == 1  # after the stop nothing is known


def test_unsupported_readings_make_no_points() -> None:
    identity = Recording(RECORDING).identity
    assert to_points(identity, GpuState(), None, None, 1) == []
    points = to_points(identity, GpuState(temperature_c=0.0), 0.0, None, 1)
    assert [(point.name, point.value) for point in points] == [
        ("hw.power", 0.0),
        ("hw.temperature", 0.0),
    ]


def test_no_gpu_is_a_state() -> None:
    kept = Kept()
    monitor = GpuMonitor(ReplaySource(clock=lambda: 0), kept, kept.on_points, FAST)
    monitor.start()
    try:
        _wait_until(
            lambda: monitor.state() == {"available": False, "reason": "no recording was given"}
        )
    finally:
        monitor.stop()
    assert kept.points == [] and kept.powers == []


def test_this_machine_answers_without_raising() -> None:
    source = NvmlSource()
    try:
        devices = source.open()
    except GpuUnavailable as error:
        assert str(error)
        return
    assert [device.identity.index for device in devices] == list(range(len(devices)))
    for device in devices:
        device.power_w()
        device.energy_j()
        device.state()
        device.details()
    source.xid_errors()
    source.close()


class FlakySource:
    """A driver that loses its device, once by an exception and once by silence, then recovers."""

    def __init__(self, good: GpuSource) -> None:
        self._good = good
        self.opened = 0

    def open(self) -> list[GpuDevice]:
        self.opened += 1
        devices = self._good.open()
        if self.opened == 1:
            return [LostDevice(devices[0], raises=True)]
        if self.opened == 2:
            return [LostDevice(devices[0], raises=False)]
        return devices

    def xid_errors(self) -> Sequence[XidError]:
        return self._good.xid_errors()

    def close(self) -> None:
        self._good.close()


class LostDevice:
    def __init__(self, device: GpuDevice, *, raises: bool) -> None:
        self.identity = device.identity
        self._raises = raises

    def power_w(self) -> float | None:
        if self._raises:
            raise OSError("the GPU has fallen off the bus")
        return None

    def energy_j(self) -> float | None:
        return None

    def state(self) -> GpuState:
        return GpuState()

    def details(self) -> GpuDetails:
        return GpuDetails()


def test_a_lost_device_is_found_again(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    source = FlakySource(ReplaySource(Recording(RECORDING), clock=lambda: 10**9))
    before = threading.active_count()
    monitor = GpuMonitor(source, kept, kept.on_points, FAST)
    monitor.start()
    try:
        _wait_until(lambda: len(kept.points) > 0)
    finally:
        monitor.stop()
    assert source.opened == 3
    assert "fallen off the bus" in caplog.text and "stopped answering" in caplog.text
    _wait_until(lambda: threading.active_count() <= before)


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"kind": "power"}\n')
    with pytest.raises(ValueError, match="no header"):
        Recording(file)
