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


def test_first_outputs_tell_the_same_of_prompts_one_after_the_other() -> None:
    supposed = _one_after_the_other(None)
    assert supposed.energy_j("second") == pytest.approx(supposed.energy_j("first"), rel=0.05)


def _held_back(steps: StepTimeline | None) -> Machine:
    """A prompt that waits for two seconds beside an answer, and is computed in the third."""
    machine = Machine(ledger=GpuLedger(steps=steps))
    machine.run(5_000, IDLE_W)
    machine.begin("answer", prompt_bytes=40)
    machine.begin("held", prompt_bytes=4 * _TOKENS)
    for tenth in range(30):
        machine.run(100, 700.0)
        machine.output("answer")
        if steps is not None:
            _tell(steps, machine.now_ns, _TOKENS // 10 if tenth >= 20 else 0)
    machine.output("held")
    machine.end("answer", prompt=10, output=30)
    machine.end("held", prompt=_TOKENS, output=1)
    machine.run(5_000, IDLE_W)
    return machine


def test_without_steps_a_queue_before_the_first_prompt_looks_like_work() -> None:
    told, supposed = _held_back(StepTimeline()), _held_back(None)
    assert supposed.energy_j("held") > 1.2 * told.energy_j("held")


def test_an_engine_that_tells_no_steps_is_supposed_as_before() -> None:
    silent = Machine(ledger=GpuLedger(steps=StepTimeline()))
    silent.run(5_000, IDLE_W)
    silent.begin("a", prompt_bytes=4 * _TOKENS)
    silent.run(1_000, 700.0)
    silent.output("a")
    silent.end("a", prompt=_TOKENS, output=1)
    silent.run(5_000, IDLE_W)
    assert silent.energy_j("a") == pytest.approx(700.0, rel=0.05)
