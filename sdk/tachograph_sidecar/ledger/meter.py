"""Joules between any two moments, from readings that were taken at others."""

import bisect
from collections import deque
from collections.abc import Sequence
from typing import Final

NS: Final = 1_000_000_000
MAX_GAP_NS: Final = 3 * NS
"""Readings further apart say nothing about the moments between them."""

MAX_READINGS: Final = 2_048


class CumulativeEnergy:
    """Joules since some beginning, as readings of a counter; straight between them.

    A counter that goes back (the driver was loaded anew), or is silent for too long, begins a new
    stretch: nothing is known across the break.
    """

    def __init__(self, max_readings: int = MAX_READINGS) -> None:
        self._times: deque[int] = deque(maxlen=max_readings)
        self._joules: deque[float] = deque(maxlen=max_readings)

    def add(self, at_ns: int, joules: float) -> None:
        """A reading; one that is not later than the last is left out."""
        if self._times and at_ns <= self._times[-1]:
            return
        if self._times and (joules < self._joules[-1] or at_ns - self._times[-1] > MAX_GAP_NS):
            self._times.clear()
            self._joules.clear()
        self._times.append(at_ns)
        self._joules.append(joules)

    @property
    def last_ns(self) -> int | None:
        """When the last reading was taken."""
        return self._times[-1] if self._times else None

    def around(self, at_ns: int) -> tuple[tuple[int, float], tuple[int, float]] | None:
        """The readings (time, joules) before and after a moment; None outside the stretch."""
        if not self._times or not self._times[0] <= at_ns <= self._times[-1]:
            return None
        place = max(1, bisect.bisect_left(self._times, at_ns))
        if place >= len(self._times):  # a single reading, at this very moment
            only = (self._times[0], self._joules[0])
            return only, only
        before = (self._times[place - 1], self._joules[place - 1])
        return before, (self._times[place], self._joules[place])

    def at(self, at_ns: int) -> float | None:
        """Joules at a moment; None outside the stretch."""
        found = self.around(at_ns)
        if found is None:
            return None
        (before_ns, before), (after_ns, after) = found
        if after_ns == before_ns:
            return after
        return before + (after - before) * (at_ns - before_ns) / (after_ns - before_ns)


class DeviceEnergy:
    """One device: its counter says how much, its power says when between two readings of that.

    An H100's counter blocks for 4 ms and is read once a second, its power takes microseconds and
    is read ten times. Without a counter the power alone is integrated, by the trapezoidal rule.
    """

    def __init__(self, max_readings: int = MAX_READINGS) -> None:
        self._counter = CumulativeEnergy(max_readings)
        self._power = CumulativeEnergy(max_readings)
        self._power_j = 0.0
        self._last_power: tuple[int, float] | None = None

    def counter(self, at_ns: int, joules: float) -> None:
        """The energy counter was read."""
        self._counter.add(at_ns, joules)

    def power(self, at_ns: int, watts: float) -> None:
        """The power was read."""
        if self._last_power is not None:
            last_ns, last_w = self._last_power
            if 0 < at_ns - last_ns <= MAX_GAP_NS:
                self._power_j += (watts + last_w) / 2 * (at_ns - last_ns) / NS
        self._last_power = (at_ns, watts)
        self._power.add(at_ns, self._power_j)

    @property
    def last_ns(self) -> int | None:
        """The moment up to which energy is known."""
        source = self._counter if self._counter.last_ns is not None else self._power
        return source.last_ns

    def at(self, at_ns: int) -> float | None:
        """Joules at a moment since some beginning; None where no readings enclose it."""
        if self._counter.last_ns is None:
            return self._power.at(at_ns)
        found = self._counter.around(at_ns)
        if found is None:
            return None
        (before_ns, before), (after_ns, after) = found
        shape = [self._power.at(moment) for moment in (before_ns, at_ns, after_ns)]
        low, here, high = shape
        if low is None or here is None or high is None or high <= low:
            return self._counter.at(at_ns)
        return before + (after - before) * (here - low) / (high - low)

    def metered_at(self, at_ns: int) -> float | None:
        """Joules by the power alone, whatever the counter says."""
        return self._power.at(at_ns)


class Meter:
    """All devices of one engine together; the last `max_readings` of each kind are kept."""

    def __init__(self, max_readings: int = MAX_READINGS) -> None:
        self._max_readings = max_readings
        self._devices: dict[int, DeviceEnergy] = {}

    def counter(self, device: int, at_ns: int, joules: float) -> None:
        """A device's energy counter was read."""
        self._device(device).counter(at_ns, joules)

    def power(self, device: int, at_ns: int, watts: float) -> None:
        """A device's power was read."""
        self._device(device).power(at_ns, watts)

    def _device(self, number: int) -> DeviceEnergy:
        return self._devices.setdefault(number, DeviceEnergy(self._max_readings))

    @property
    def device_count(self) -> int:
        """Devices that were ever read."""
        return len(self._devices)

    def covers(self, at_ns: int) -> bool:
        """Whether every device was read at this moment or after it."""
        return all((device.last_ns or 0) >= at_ns for device in self._devices.values())

    def between(self, start_ns: int, stop_ns: int) -> float | None:
        """Joules of all devices in [start, stop); None where one of them is not known."""
        return self._grown([(d.at(start_ns), d.at(stop_ns)) for d in self._devices.values()])

    def metered_between(self, start_ns: int, stop_ns: int) -> float | None:
        """The same by the power alone: a second measurement of what the counters say."""
        return self._grown(
            [(d.metered_at(start_ns), d.metered_at(stop_ns)) for d in self._devices.values()]
        )

    @staticmethod
    def _grown(readings: Sequence[tuple[float | None, float | None]]) -> float | None:
        total = 0.0
        for start, stop in readings:
            if start is None or stop is None:
                return None
            total += max(0.0, stop - start)
        return total if readings else None
