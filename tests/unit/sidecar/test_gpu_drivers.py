"""What drivers refuse: none there, nothing shown, no permission; and devices of different kinds."""

import sys
import time
from collections.abc import Sequence

import pytest
from tests.fixtures.simulated_nvml import (
    DRIVER_NOT_LOADED,
    NO_PERMISSION,
    NOT_SUPPORTED,
    SimulatedCard,
    SimulatedDriver,
)

from tachograph._internal.delivery import MetricPoint
from tachograph._internal.gpu.nvml import NvmlSource
from tachograph._internal.gpu.source import GpuUnavailable
from tachograph_sidecar.gpu.monitor import GpuMonitor, MonitorOptions
from tachograph_sidecar.ledger.meter import Meter

FAST = MonitorOptions(power_interval_s=0.005, energy_interval_s=0.005, state_interval_s=0.01)
H100 = SimulatedCard("NVIDIA H100", 300.0)
T4 = SimulatedCard("Tesla T4", 50.0, counter_error=NOT_SUPPORTED, has_instant_power=False)
DEADLINE_S = 30.0


class MeterListener:
    """Feeds a meter, as the ledger does."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.power_times: list[int] = []
        self.counted: set[int] = set()
        self.points: list[MetricPoint] = []

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        for device, value in enumerate(watts):
            assert value is not None
            self.meter.power(device, at_ns, value)
        self.power_times.append(at_ns)

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        self.counted.add(device)
        self.meter.counter(device, at_ns, joules)

    def others(self, at_ns: int, share: float | None) -> None:
        assert share is None  # nobody told who the engine is

    def lost(self) -> None:
        """At the stop."""

    def keep(self, points: Sequence[MetricPoint]) -> None:
        self.points.extend(points)


def _watched(monkeypatch: pytest.MonkeyPatch, *cards: SimulatedCard) -> MeterListener:
    """What a monitor tells of these devices in a second and a half."""
    monkeypatch.setitem(sys.modules, "pynvml", SimulatedDriver(cards))
    listener = MeterListener()
    monitor = GpuMonitor(NvmlSource(), listener, listener.keep, FAST)
    monitor.start()
    deadline = time.monotonic() + DEADLINE_S
    try:
        while not listener.power_times or listener.power_times[-1] - listener.power_times[0] < 1e9:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        state = monitor.state()
    finally:
        monitor.stop()
    devices = state["devices"]
    assert isinstance(devices, list)
    assert [device["model"] for device in devices] == [card.model for card in cards]
    return listener


def _values(listener: MeterListener, name: str) -> dict[object, float]:
    return {
        point.attributes["hw.id"]: point.value for point in listener.points if point.name == name
    }


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (None, "binding is not installed"),
        (SimulatedDriver(init_error=DRIVER_NOT_LOADED), "no NVIDIA driver answers"),
        (SimulatedDriver([H100], handle_error=NO_PERMISSION), "does not show its devices"),
        (SimulatedDriver(), "shows no device"),
    ],
)
def test_a_machine_without_a_readable_gpu_says_why(
    monkeypatch: pytest.MonkeyPatch, driver: SimulatedDriver | None, reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    with pytest.raises(GpuUnavailable, match=reason):
        NvmlSource().open()


def test_without_permission_for_the_counter_the_power_stands_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    denied = SimulatedCard("NVIDIA H100", 300.0, counter_error=NO_PERMISSION)
    listener = _watched(monkeypatch, denied)
    assert listener.counted == set()
    assert "hw.energy" not in {point.name for point in listener.points}  # absent, never 0
    assert _values(listener, "hw.power") == {"GPU-0": 300.0}
    first, last = listener.power_times[0], listener.power_times[-1]
    assert listener.meter.between(first, last) == pytest.approx(300.0 * (last - first) / 1e9)


def test_two_devices_of_different_kinds_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = _watched(monkeypatch, H100, T4)
    assert listener.counted == {0}  # the other has no counter
    assert _values(listener, "hw.power") == {"GPU-0": 300.0, "GPU-1": 50.0}
    assert _values(listener, "hw.energy").keys() == {"GPU-0"}
    first, last = listener.power_times[0], listener.power_times[-1]
    start, stop = first + (last - first) // 4, last - (last - first) // 4  # both were read there
    assert listener.meter.between(start, stop) == pytest.approx(
        350.0 * (stop - start) / 1e9, rel=0.05
    )
