"""A cause planted on a real engine is named, with its time: sidecar, collector and store together.

All of them are planted by tests/benchmarks/causes.
"""

from pathlib import Path

import pytest
from tests.benchmarks.causes import plants
from tests.benchmarks.causes.stack import explain, llama_server
from tests.conformance.vllm.engine import running_sidecar


def test_a_queue_that_the_engine_does_not_tell_of_is_named(
    collector_url: str, tmp_path: Path
) -> None:
    slots = 2
    with (
        llama_server(tmp_path, slots) as engine,
        running_sidecar(engine.url, collector_url, tmp_path / "sidecar.log") as url,
    ):
        bench = plants.Bench(engine, url, slots)
        plants.usual(bench, calls=5, tokens=5, longest_words=60)
        suffered = plants.queued(bench, tokens=80)
        said = explain(collector_url, url, suffered.heard)
    assert said.named == "engine_queue"
    assert said.seconds("engine_queue") == pytest.approx(suffered.seconds, rel=0.25, abs=0.5)
    assert sum(seconds for _, seconds in said.parts) == pytest.approx(said.duration_s)
