"""How large a scoring process may grow before it is replaced after its batch.

Celery compares the process's peak of resident memory (`ru_maxrss`) with one number. A process that
holds all models peaks at 1.3 GB on a CPU and at 2.1 GB on an H100 (`make bench-eval`), where CUDA's
libraries are a part of it: below that it would load its models anew for each batch.
"""

import ctypes
import os
from collections.abc import Callable
from typing import Final

CPU_KB: Final = 1_500_000
CUDA_KB: Final = 4_000_000
_NVML: Final = "libnvidia-ml.so.1"
_HIDDEN: Final = ("", "-1")


def has_nvidia_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU that a scoring process may use.

    Asks NVML, not CUDA: a process in which CUDA has begun cannot fork processes that use it.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") in _HIDDEN:
        return False
    count = ctypes.c_uint(0)
    try:
        nvml = ctypes.CDLL(_NVML)
        if nvml.nvmlInit_v2() != 0:
            return False
        is_answered = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0
        nvml.nvmlShutdown()
    except (OSError, AttributeError):  # no such library, or one without these functions
        return False
    return is_answered and count.value > 0


def max_memory_kb(chosen: int | None, has_gpu: Callable[[], bool] = has_nvidia_gpu) -> int:
    """The bound in kilobytes: what the settings say, or what fits the device."""
    if chosen is not None:
        return chosen
    return CUDA_KB if has_gpu() else CPU_KB
