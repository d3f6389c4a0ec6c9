"""Steps of the engine decide who pays for the time in which a prompt was computed."""

import json
from typing import Any

import pytest
from tests.unit.sidecar.test_ledger import IDLE_W, MS, Machine

from tachograph_sidecar.engines.steps import StepTimeline, read_step
from tachograph_sidecar.ledger.settlement import GpuLedger

_TOKENS = 20_000


def _tell(steps: StepTimeline, at_ns: int, tokens: int) -> None:
    said: dict[str, Any] = {
        "engine": 0, "number": 0, "at_ns": at_ns, "elapsed_ns": 100 * MS, "prefill_tokens": tokens,
        "generated_tokens": 0, "preemptions": 0, "is_exact": True, "dropped": 0,
    }  # fmt: skip
    step = read_step(json.dumps(said).encode())
    assert step is not None
    steps.step(step)


def _one_after_the_other(steps: StepTimeline | None) -> Machine:
    """Two long prompts come together; the second is computed after the first."""
    machine = Machine(ledger=GpuLedger(steps=steps))
    machine.run(5_000, IDLE_W)
    machine.begin("first", "second", prompt_bytes=4 * _TOKENS)
    for key in ("first", "second"):
        for _ in range(10):
            machine.run(100, 700.0)
            if steps is not None:
                _tell(steps, machine.now_ns, _TOKENS // 10)
        machine.output(key)
    machine.end("first", "second", prompt=_TOKENS, output=1)
    machine.run(5_000, IDLE_W)
    return machine


def test_a_prompt_pays_for_its_own_steps_and_not_for_those_before() -> None:
    machine = _one_after_the_other(StepTimeline())
    assert machine.energy_j("second") == pytest.approx(machine.energy_j("first"), rel=0.02)
    supposed = _one_after_the_other(None)
    assert supposed.energy_j("second") > 1.3 * supposed.energy_j("first")


def test_an_engine_that_tells_no_steps_is_supposed_as_before() -> None:
    silent = Machine(ledger=GpuLedger(steps=StepTimeline()))
    silent.run(5_000, IDLE_W)
    silent.begin("a", prompt_bytes=4 * _TOKENS)
    silent.run(1_000, 700.0)
    silent.output("a")
    silent.end("a", prompt=_TOKENS, output=1)
    silent.run(5_000, IDLE_W)
    assert silent.energy_j("a") == pytest.approx(700.0, rel=0.05)
