"""The GPU's energy counter and its processes, read apart from the sidecar."""

import threading
import time
from types import TracebackType
from typing import Any, Self

_INTERVAL_S = 0.5


class CounterReader:
    """Reads the energy counter of the first GPU twice a second while entered; nothing when off."""

    def __init__(self, *, is_on: bool) -> None:
        self._nvml: Any = None
        self._handle: Any = None
        self._readings: list[tuple[int, float]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if is_on:
            import pynvml

            pynvml.nvmlInit()
            self._nvml, self._handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
            self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def joules_between(self, start_unix_ns: int, stop_unix_ns: int) -> float | None:
        """Straight between readings; None where they do not reach."""
        start, stop = self._at(start_unix_ns), self._at(stop_unix_ns)
        return None if start is None or stop is None else stop - start

    def pids(self) -> frozenset[int]:
        """Processes on the GPU, by the driver's numbers: those of its own pid namespace."""
        if self._nvml is None:
            return frozenset()
        found = self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        return frozenset(process.pid for process in found)

    def _read(self) -> None:
        while not self._stop.is_set():
            asked_ns = time.time_ns()
            millijoules = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
            self._readings.append(((asked_ns + time.time_ns()) // 2, millijoules / 1_000))
            self._stop.wait(_INTERVAL_S)

    def _at(self, unix_ns: int) -> float | None:
        for (before_ns, before), (after_ns, after) in zip(
            self._readings, self._readings[1:], strict=False
        ):
            if before_ns <= unix_ns <= after_ns:
                return before + (after - before) * (unix_ns - before_ns) / (after_ns - before_ns)
        return None
