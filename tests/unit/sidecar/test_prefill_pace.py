"""The pace of prompts is the engine's, however long they queued."""

import pytest
from tests.unit.sidecar.test_ledger import IDLE_W, Machine

from tachograph_sidecar.ledger.prefill import PrefillPace

MS = 1_000_000


def _learn(pace: PrefillPace, firsts_ms: list[int], tokens: int) -> None:
    """Prompts that all came at 0 and whose first outputs came then."""
    for place, first_ms in enumerate(firsts_ms):
        waiting = [0] * (len(firsts_ms) - place)
        pace.add(tokens, pace.first_output(first_ms * MS, waiting) / 1e9)


def test_a_guess_until_a_prompt_took_time() -> None:
    pace = PrefillPace(5_000.0)
    assert pace.tokens_per_s == 5_000.0
    pace.add(100.0, 0.0)
    assert pace.tokens_per_s == 5_000.0


def test_a_queue_does_not_slow_the_engine() -> None:
    pace = PrefillPace(5_000.0)
    _learn(pace, [100, 200, 300, 400, 500], 2_000)
    assert pace.tokens_per_s == pytest.approx(20_000.0)


def test_prompts_computed_together_count_together() -> None:
    pace = PrefillPace(5_000.0)
    _learn(pace, [400, 400, 400, 400], 2_000)
    assert pace.tokens_per_s == pytest.approx(20_000.0, rel=0.1)


def test_time_without_a_prompt_is_not_the_engines() -> None:
    pace = PrefillPace(5_000.0)
    pace.add(2_000, pace.first_output(100 * MS, [0]) / 1e9)
    pace.add(2_000, pace.first_output(60_100 * MS, [60_000 * MS]) / 1e9)
    assert pace.tokens_per_s == pytest.approx(20_000.0)


def test_a_long_queue_is_paid_in_its_order() -> None:
    """Twenty prompts at once, 200 ms each: each pays for its own, though most wait for seconds."""
    machine = Machine()
    machine.run(5_000, IDLE_W)
    for number in range(3):  # what this engine's pace is
        machine.begin(f"before {number}", prompt_bytes=16_000)
        machine.run(200, 700.0)
        machine.output(f"before {number}")
        machine.end(f"before {number}", prompt=4_000, output=1)
        machine.run(1_800, IDLE_W)
    keys = [f"queued {number}" for number in range(20)]
    machine.begin(*keys, prompt_bytes=16_000)
    for key in keys:
        machine.run(200, 700.0)
        machine.output(key)
        machine.end(key, prompt=4_000, output=1)
    machine.run(5_000, IDLE_W)
    rent_j = {  # in equal parts of those in flight
        key: sum(IDLE_W * 0.2 / (20 - slot) for slot in range(place + 1))
        for place, key in enumerate(keys)
    }
    work_j = [machine.energy_j(key) - rent_j[key] for key in keys]
    assert max(work_j) < 1.3 * min(work_j)  # a second holds five of them


def test_a_first_output_that_is_told_after_the_end_is_no_fault() -> None:
    machine = Machine()
    machine.run(5_000, IDLE_W)
    machine.begin("late")
    machine.run(500, 700.0)
    machine.end("late", prompt=1_000, output=1)
    machine.output("late")
    machine.run(5_000, IDLE_W)
    assert machine.energy_j("late") == pytest.approx(350.0, rel=0.1)
