"""How large a scoring process may grow, by what it runs on."""

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from tachograph_evaluators.child_memory import CPU_KB, CUDA_KB, has_nvidia_gpu, max_memory_kb


class _Nvml:
    """The driver's library as it answers on a machine with so many GPUs."""

    def __init__(self, count: int, init: int = 0) -> None:
        self._count, self._init = count, init

    def nvmlInit_v2(self) -> int:
        return self._init

    def nvmlShutdown(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = self._count
        return 0


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Puts a library in the place of the driver's, which only a machine with a GPU has."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda library: monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)


def test_cuda_has_room_for_its_libraries_and_a_chosen_bound_is_kept() -> None:
    assert max_memory_kb(None, has_gpu=lambda: False) == CPU_KB == 1_500_000
    assert max_memory_kb(None, has_gpu=lambda: True) == CUDA_KB == 4_000_000
    assert max_memory_kb(700_000, has_gpu=lambda: True) == 700_000


def test_a_gpu_is_what_nvml_counts_and_nobody_hides(
    driver: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(_Nvml(count=0))
    assert not has_nvidia_gpu()
    driver(_Nvml(count=2, init=9))  # the library is there, the driver is not loaded
    assert not has_nvidia_gpu()
    driver(object())  # a library of another kind
    assert not has_nvidia_gpu()
    driver(_Nvml(count=2))
    assert has_nvidia_gpu()
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert not has_nvidia_gpu()
