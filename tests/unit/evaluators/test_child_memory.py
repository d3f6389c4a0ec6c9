"""How large a scoring process may grow, by what it runs on."""

import pytest

from tachograph_evaluators.child_memory import CPU_KB, CUDA_KB, has_nvidia_gpu, max_memory_kb


def test_cuda_has_room_for_its_libraries_and_a_chosen_bound_is_kept() -> None:
    assert max_memory_kb(None, has_gpu=lambda: False) == CPU_KB == 1_500_000
    assert max_memory_kb(None, has_gpu=lambda: True) == CUDA_KB == 4_000_000
    assert max_memory_kb(700_000, has_gpu=lambda: True) == 700_000


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_gpu_is_none(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert not has_nvidia_gpu()
