"""vLLM's real steps, told by the plugin and received as the sidecar does.

    python tests/conformance/vllm_steps.py [--cache FOLDER] [--python PATH] [--record]

Runs vLLM's CPU build with a tiny model, few blocks of KV cache and a small budget of tokens a step,
first with `--enable-logging-iteration-details`, then without, and compares what the steps say with
what the answers and the metrics page say. `--record` keeps the messages in
tests/fixtures/vllm/steps.jsonl, which `make test` replays. The last line is JSON.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.sdk.processes import python_of
from tests.conformance.vllm.engine import VllmServer
from tests.conformance.vllm.plugin import plugin_path

from tachograph_sidecar.engines.prometheus import parse_page
from tachograph_sidecar.engines.step_receiver import StepReceiver
from tachograph_sidecar.engines.steps import EngineStep, StepTimeline

FIXTURE = ROOT / "tests" / "fixtures" / "vllm" / "steps.jsonl"
BUDGET = 64
"""Tokens a step: a prompt of 200 takes four."""

_FLAGS = (
    "--max-model-len", "256", "--max-num-batched-tokens", str(BUDGET),
    "--num-gpu-blocks-override", "5", "--no-enable-prefix-caching",
)  # fmt: skip
_DEADLINE_S = 60.0
_CLIENT = httpx.Client(timeout=_DEADLINE_S, trust_env=False)
"""One for all threads: to make one takes longer than a short answer."""


class Watch:
    """A receiver on an event loop of its own thread; keeps each step."""

    def __init__(self, path: Path) -> None:
        self.steps: list[EngineStep] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.receiver = asyncio.run_coroutine_threadsafe(self._make(path), self._loop).result()

    async def _make(self, path: Path) -> StepReceiver:
        receiver = StepReceiver(path, self)
        receiver.start()
        return receiver

    def step(self, step: EngineStep) -> None:
        self.steps.append(step)

    def settled(self, generated_tokens: int) -> list[EngineStep]:
        """The steps, once they tell of so many tokens."""
        deadline = time.monotonic() + _DEADLINE_S
        while sum(step.generated_tokens for step in self.steps) < generated_tokens:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        steps, self.steps = self.steps, []
        return steps

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self.receiver.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def ask(url: str, word: str, words: int, max_tokens: int) -> dict[str, Any]:
    """A streamed completion: when it was sent, when its first token came, its usage."""
    body = {
        "model": "tiny", "prompt": f"{word} " * words, "max_tokens": max_tokens,
        "min_tokens": max_tokens, "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    asked: dict[str, Any] = {"sent_ns": time.perf_counter_ns()}
    with _CLIENT.stream("POST", f"{url}/v1/completions", json=body) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                asked.setdefault("first_ns", time.perf_counter_ns())
                asked["usage"] = json.loads(line[6:]).get("usage") or asked.get("usage")
    return {**asked, "tokens": asked["usage"]["prompt_tokens"]}


def preemptions(url: str) -> int:
    """As the metrics page counts them."""
    page = httpx.get(f"{url}/metrics").text
    samples = parse_page(page, ("vllm:num_preemptions_total",))
    return int(sum(sample.value for sample in samples if sample is not None))


def run(python: str, folder: Path, *, is_exact: bool, failed: list[str]) -> dict[str, Any]:
    """One server: a long prompt beside an answer under way, then more than the cache holds."""

    def same(what: str, expected: object, found: object) -> None:
        if expected != found:
            failed.append(f"exact={is_exact} {what}: expected {expected!r}, found {found!r}")

    folder.mkdir()
    path = folder / "steps.sock"
    watch = Watch(path)
    server = VllmServer(
        python,
        folder,
        None,
        flags=[*_FLAGS, *(["--enable-logging-iteration-details"] if is_exact else [])],
        variables={"PYTHONPATH": plugin_path(folder), "TACHOGRAPH_STEPS_SOCKET": str(path)},
    )
    try:
        server.start()
        ask(server.url, "b", 10, 4)  # the first request is slow
        watch.settled(4)
        with ThreadPoolExecutor() as pool:
            under_way = pool.submit(ask, server.url, "a", 10, 200)
            time.sleep(0.3)
            long = pool.submit(ask, server.url, "c", 200, 10)
            asked = [under_way.result(), long.result()]
        steps = watch.settled(210)
        same("generated tokens", 210, sum(step.generated_tokens for step in steps))
        prompts = sum(one["tokens"] for one in asked)
        same("prompt tokens", prompts, sum(step.prefill_tokens for step in steps))
        same("steps are exact", is_exact, any(step.is_exact for step in steps))
        timeline = StepTimeline()
        for step in steps:
            timeline.step(step)
        one = {name: asked[1][name] for name in ("sent_ns", "first_ns", "tokens")}
        found = timeline.prompt_in(one["sent_ns"], one["first_ns"], **one)
        same("the long prompt lies in its time", True, found is not None and found > 199)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda word: ask(server.url, word, 20, 220), "defg"))
        crowded = watch.settled(4 * 220)
        same("generated together", 880, sum(step.generated_tokens for step in crowded))
        counted = sum(step.preemptions for step in crowded)
        same("preemptions", preemptions(server.url), counted)
        same("some were preempted", True, counted > 0)
        same("most at once", 4, max(step.running or 0 for step in crowded))
        same("the cache was full", 1.0, max(step.kv_cache_ratio or 0.0 for step in crowded))
        state = dict(watch.receiver.state())
        same("lost", (0, 0), (state["malformed"], state["dropped_by_senders"]))
    finally:
        server.stop()
        watch.close()
    print(f"exact={is_exact}: {len(steps) + len(crowded)} steps, {counted} preemptions, {state}")
    return {
        "is_exact": is_exact,
        "asked": asked,
        "preemptions": counted,
        "fields": [field.name for field in fields(EngineStep)],
        "steps": [astuple(step) for step in steps],
        "crowded": [astuple(step) for step in crowded],
    }


def _compact(one: dict[str, Any]) -> str:
    return json.dumps(one, separators=(",", ":"))


def main() -> int:
    """Run both servers; print what differs, and as the last line the figures."""
    parser = argparse.ArgumentParser(description="vLLM's real steps")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "sdk-peers")
    parser.add_argument("--python", help="an interpreter that has vLLM, instead of the lock file's")
    parser.add_argument("--record", action="store_true", help="keep the messages for make test")
    arguments = parser.parse_args()
    python = arguments.python or python_of("vllm", arguments.cache)
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vllm-") as folder:
        runs = [
            run(python, Path(folder) / name, is_exact=is_exact, failed=failed)
            for name, is_exact in (("exact", True), ("told", False))
        ]
    if arguments.record:
        FIXTURE.write_text("".join(_compact(one) + "\n" for one in runs))
    for line in failed:
        print(f"MISMATCH {line}")
    steps = sum(len(one["steps"]) + len(one["crowded"]) for one in runs)
    figures = {"steps": steps, "mismatches": len(failed)}
    print(json.dumps({"conformance": "vllm-steps", "version": "0.32.0", **figures}))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
