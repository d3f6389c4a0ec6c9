"""What each reading of NVML costs: processor time of the calling thread, and time until it answers.

    python tests/benchmarks/ledger/nvml_cost.py

Needs an NVIDIA driver and `nvidia-ml-py`. The first device is asked, each reading twenty times with
pauses between, as a monitor asks. Prints a table, then one JSON object: microseconds by reading, null
where the device or driver does not support it.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

_TIMES = 20
_PAUSE_S = 0.02


def readings(nvml: Any, handle: Any) -> dict[str, Callable[[], object]]:
    """The monitor's readings by name."""
    every_link = 2**32 - 1
    return {
        "power": lambda: nvml.nvmlDeviceGetFieldValues(handle, [nvml.NVML_FI_DEV_POWER_INSTANT]),
        "energy counter": lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle),
        "utilisation": lambda: nvml.nvmlDeviceGetUtilizationRates(handle),
        "memory": lambda: nvml.nvmlDeviceGetMemoryInfo(handle),
        "power limit": lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle),
        "temperature": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "clock": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_GRAPHICS),
        "throttle reasons": lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
        "ECC errors": lambda: nvml.nvmlDeviceGetTotalEccErrors(
            handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        ),
        "PCIe, one direction": lambda: nvml.nvmlDeviceGetPcieThroughput(
            handle, nvml.NVML_PCIE_UTIL_TX_BYTES
        ),
        "NVLink, one direction": lambda: nvml.nvmlDeviceGetFieldValues(
            handle, [(nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, every_link)]
        ),
        "processes": lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle),
        "processes' SM time": lambda: nvml.nvmlDeviceGetProcessUtilization(handle, 0),
    }


def cost_us(nvml: Any, read: Callable[[], object]) -> tuple[float, float] | None:
    """Medians of processor time and of elapsed time; None where the reading is not supported."""
    busy_us, elapsed_us = [], []
    for _ in range(_TIMES):
        began, began_busy = time.perf_counter_ns(), time.thread_time_ns()
        try:
            read()
        except nvml.NVMLError:
            return None
        busy_us.append((time.thread_time_ns() - began_busy) / 1e3)
        elapsed_us.append((time.perf_counter_ns() - began) / 1e3)
        time.sleep(_PAUSE_S)
    return statistics.median(busy_us), statistics.median(elapsed_us)


def main() -> int:
    """Measure; 1 without a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except (ImportError, pynvml.NVMLError) as error:
        print(f"no NVIDIA driver answers: {error}")
        return 1
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    found: dict[str, dict[str, float] | None] = {}
    for name, read in readings(pynvml, handle).items():
        cost = cost_us(pynvml, read)
        found[name] = None if cost is None else {"processor_us": cost[0], "elapsed_us": cost[1]}
        shown = "not supported" if cost is None else f"{cost[0]:8.0f} {cost[1]:8.0f}"
        print(f"{name:24} {shown}")
    print(json.dumps({"bench": "nvml", "readings": found}))
    pynvml.nvmlShutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
