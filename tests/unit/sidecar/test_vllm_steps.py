"""Steps recorded from a real vLLM (0.32.0): a prompt of 200 tokens beside an answer under way, with
64 tokens a step; then four answers in a cache for two. `tests/conformance/vllm_steps.py --record`."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tachograph_sidecar.engines.steps import EngineStep, StepTimeline

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "vllm" / "steps.jsonl"
RUNS: list[dict[str, Any]] = [json.loads(line) for line in FIXTURE.read_text().splitlines()]


def _steps(run: dict[str, Any], part: str) -> list[EngineStep]:
    return [EngineStep(**dict(zip(run["fields"], row, strict=True))) for row in run[part]]


@pytest.mark.parametrize("run", RUNS, ids=["with iteration details", "without"])
def test_a_long_prompt_is_put_where_vllm_computed_it(run: dict[str, Any]) -> None:
    steps, timeline = _steps(run, "steps"), StepTimeline()
    for step in steps:
        timeline.step(step)
    assert run["is_exact"] is any(step.is_exact for step in steps)
    under_way, long = run["asked"]
    asked = {name: long[name] for name in ("sent_ns", "first_ns", "tokens")}
    assert timeline.prompt_in(0, 2**62, **asked) == pytest.approx(long["tokens"])
    last = max(number for number, step in enumerate(steps) if step.prefill_tokens)
    times = [(before.at_ns, step.at_ns) for before, step in pairwise(steps[last - 4 : last + 1])]
    shares = [timeline.prompt_in(begin, end, **asked) for begin, end in times]
    assert sum(share or 0.0 for share in shares) == pytest.approx(long["tokens"])
    if run["is_exact"]:
        assert shares == pytest.approx([63, 63, 63, 11])
    else:
        lengths = [end - begin for begin, end in times]
        assert shares == pytest.approx([200 * one / sum(lengths) for one in lengths])
    others = {name: under_way[name] for name in ("sent_ns", "first_ns", "tokens")}
    assert timeline.prompt_in(long["sent_ns"], long["first_ns"], **others) == 0


@pytest.mark.parametrize("run", RUNS, ids=["with iteration details", "without"])
def test_what_a_full_cache_does_is_told(run: dict[str, Any]) -> None:
    steps = _steps(run, "crowded")
    assert sum(step.preemptions for step in steps) == run["preemptions"] > 0
    assert max(step.kv_cache_ratio or 0.0 for step in steps) == 1.0
    assert max(step.waiting or 0 for step in steps) == 2
    assert sum(step.generated_tokens for step in steps) == 880
