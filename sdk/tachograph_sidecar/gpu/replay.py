"""A recorded GPU, for machines without one: answers as the device did at each moment.

Recordings are JSON lines, made by `tests/fixtures/nvml/record.py`: a header that identifies the
device, then readings of kind power, energy, state, details and xid with their time since the start;
recordings of an older script have no details.
"""

import bisect
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tachograph._internal.gpu.details import GpuDetails, GpuPart, GpuProcess, XidError
from tachograph._internal.gpu.source import GpuDevice, GpuIdentity, GpuState, GpuUnavailable

_STATE_FIELDS = tuple(item.name for item in dataclasses.fields(GpuState))
_DETAIL_FIELDS = tuple(
    item.name for item in dataclasses.fields(GpuDetails) if item.name not in ("processes", "parts")
)
_KINDS = ("power", "energy", "state", "details", "xid")


class Recording:
    """The readings of one device by time.

    Raises ValueError for a file that is no recording, OSError when it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8") as file:
            header = json.loads(next(file, "{}"))
            if header.get("kind") != "header":
                raise ValueError(f"{path} is no NVML recording: its first line is no header")
            self.identity = GpuIdentity(
                uuid=header["uuid"],
                index=header["index"],
                model=header["model"],
                driver_version=header["driver_version"],
            )
            self._times: dict[str, list[int]] = {kind: [] for kind in _KINDS}
            self._readings: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in _KINDS}
            for line in file:
                reading = json.loads(line)
                if reading["kind"] in self._times:
                    self._times[reading["kind"]].append(reading["t_ns"])
                    self._readings[reading["kind"]].append(reading)

    @property
    def duration_ns(self) -> int:
        return max(times[-1] for times in self._times.values() if times)

    def at(self, kind: str, t_ns: int) -> Mapping[str, Any]:
        """The last reading of a kind at or before a time; empty before the first."""
        position = bisect.bisect_right(self._times[kind], t_ns)
        return self._readings[kind][position - 1] if position else {}

    def within(self, kind: str, since_ns: int, until_ns: int) -> Sequence[Mapping[str, Any]]:
        """The readings of a kind in (since, until]."""
        first = bisect.bisect_right(self._times[kind], since_ns)
        return self._readings[kind][first : bisect.bisect_right(self._times[kind], until_ns)]


class ReplayDevice:
    """One recorded device; `clock` says which moment of the recording is now, nanoseconds."""

    def __init__(self, recording: Recording, clock: Callable[[], int]) -> None:
        self._recording = recording
        self._clock = clock

    @property
    def identity(self) -> GpuIdentity:
        return self._recording.identity

    def power_w(self) -> float | None:
        return _number(self._recording.at("power", self._clock()), "power_w")

    def energy_j(self) -> float | None:
        return _number(self._recording.at("energy", self._clock()), "energy_j")

    def state(self) -> GpuState:
        reading = self._recording.at("state", self._clock())
        return GpuState(**{name: reading.get(name) for name in _STATE_FIELDS})

    def details(self) -> GpuDetails:
        reading = dict(self._recording.at("details", self._clock()))
        processes, parts = reading.pop("processes", None), reading.pop("parts", ())
        known = {name: reading[name] for name in _DETAIL_FIELDS if name in reading}
        return GpuDetails(
            **known,
            processes=None if processes is None else [GpuProcess(**one) for one in processes],
            parts=[GpuPart(**one) for one in parts],
        )


class ReplaySource:
    """Recordings in place of a driver; without any, a machine without a GPU."""

    def __init__(self, *recordings: Recording, clock: Callable[[], int]) -> None:
        self._recordings = recordings
        self._clock = clock
        self._looked_ns = -1

    def open(self) -> list[GpuDevice]:
        if not self._recordings:
            raise GpuUnavailable("no recording was given")
        return [ReplayDevice(recording, self._clock) for recording in self._recordings]

    def xid_errors(self) -> Sequence[XidError]:
        since_ns, self._looked_ns = self._looked_ns, self._clock()
        return [
            XidError(uuid=recording.identity.uuid, code=int(reading["code"]))
            for recording in self._recordings
            for reading in recording.within("xid", since_ns, self._looked_ns)
        ]

    def close(self) -> None:
        """A recording holds nothing open."""


def _number(reading: Mapping[str, object], name: str) -> float | None:
    value = reading.get(name)
    return float(value) if isinstance(value, int | float) else None
