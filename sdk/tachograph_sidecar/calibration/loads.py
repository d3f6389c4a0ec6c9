"""The planned loads: prompts of several lengths one by one, batches that decode together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tachograph_sidecar.calibration.engine import Answered, EngineClient, EngineProblem
from tachograph_sidecar.calibration.meter import EnergyReader

MARGIN_S: Final = 0.25
"""Pause around a load: the readings that enclose it must hold none of another."""

_SHORT_PROMPT: Final = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """What is driven. Sizes in tokens.

    Attributes:
        prefill_lengths: prompts answered with one token, one after another.
        batch_sizes: requests at once that decode `decode_tokens` each after a short prompt.
        context_lengths: prompts before which the largest batch decodes once more: what reading
            their keys and values costs.
        load_s: each load is repeated until it took so long.
        repeats: how often the whole plan runs.
        idle_s: how long the idle power is measured.
    """

    prefill_lengths: Sequence[int] = (512, 2_048, 8_192)
    batch_sizes: Sequence[int] = (1, 4, 16)
    context_lengths: Sequence[int] = (2_048, 8_192)
    decode_tokens: int = 128
    load_s: float = 4.0
    repeats: int = 2
    idle_s: float = 8.0

    @property
    def load_count(self) -> int:
        """Loads that run in all."""
        kinds = len(self.prefill_lengths) + len(self.batch_sizes) + len(self.context_lengths)
        return kinds * self.repeats


@dataclass(frozen=True, slots=True)
class Measured:
    """One load: the work that was done and the joules above the idle power that it took.

    Attributes:
        prefill_tokens: prompt tokens computed, cached ones left out.
        steps: forward passes, as many as the longest answer of each batch has tokens.
        decode_tokens: output tokens of all requests.
        kv_tokens: context tokens read, summed over the output tokens.
    """

    name: str
    prefill_tokens: float
    steps: float
    decode_tokens: float
    kv_tokens: float
    energy_j: float
    duration_s: float

    @property
    def work(self) -> tuple[float, float, float, float]:
        """In the order of the weights: prefill, step, decode, context."""
        return self.prefill_tokens, self.steps, self.decode_tokens, self.kv_tokens


def measure_idle(reader: EnergyReader, idle_s: float) -> float:
    """Idle power of all devices, watts. Raises EngineProblem when it cannot be read."""
    start_ns = time.perf_counter_ns()
    time.sleep(idle_s)
    stop_ns = time.perf_counter_ns()
    energy_j = reader.between(start_ns, stop_ns)
    if energy_j is None:
        raise EngineProblem("the devices stopped telling their energy: see `tachograph doctor`")
    return energy_j / ((stop_ns - start_ns) / 1e9)


def run_plan(
    plan: Plan,
    engine: EngineClient,
    reader: EnergyReader,
    idle_w: float,
    on_load: Callable[[Measured], None],
) -> list[Measured]:
    """Drive every load of the plan. Raises EngineProblem."""
    found: list[Measured] = []
    largest = max(plan.batch_sizes, default=1)

    def measure(name: str, ask: Callable[[], Sequence[Answered]]) -> None:
        one = _measure(name, ask, reader, idle_w, plan.load_s)
        found.append(one)
        on_load(one)

    for turn in range(plan.repeats):
        # every second turn backwards, so that a device that warms up does not favour one kind
        way = 1 if turn % 2 == 0 else -1
        for length in plan.prefill_lengths[::way]:
            measure(f"prefill {length}", partial(engine.ask_together, 1, length, 1))
        for size in plan.batch_sizes[::way]:
            measure(
                f"decode batch {size}",
                partial(engine.ask_together, size, _SHORT_PROMPT, plan.decode_tokens),
            )
        for length in plan.context_lengths[::way]:
            measure(
                f"decode batch {largest}, context {length}",
                partial(engine.ask_together, largest, length, plan.decode_tokens),
            )
    return found


def _measure(
    name: str,
    ask: Callable[[], Sequence[Answered]],
    reader: EnergyReader,
    idle_w: float,
    load_s: float,
) -> Measured:
    prefill = steps = decode = kv = 0.0
    time.sleep(MARGIN_S)
    start_ns = time.perf_counter_ns()
    time.sleep(MARGIN_S)
    begun = time.perf_counter()
    while True:
        answers = ask()
        for one in answers:
            prefill += max(0, one.prompt_tokens - one.cached_tokens)
            decode += one.output_tokens
            kv += one.output_tokens * (one.prompt_tokens + one.output_tokens / 2)
        steps += max(one.output_tokens for one in answers)
        duration_s = time.perf_counter() - begun
        if duration_s >= load_s:
            break
    time.sleep(MARGIN_S)
    stop_ns = time.perf_counter_ns()
    energy_j = reader.between(start_ns, stop_ns)
    if energy_j is None:
        raise EngineProblem("the devices stopped telling their energy: see `tachograph doctor`")
    above_idle_j = energy_j - idle_w * (stop_ns - start_ns) / 1e9
    return Measured(name, prefill, steps, decode, kv, above_idle_j, duration_s)
