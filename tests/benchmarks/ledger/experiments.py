"""The loads of a ledger recording: mixed traffic, its requests alone, pairs with and without, twins."""

import csv
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.benchmarks.ledger.client import Spec, StreamClient
from tests.benchmarks.ledger.recording import Experiment, Recording

MARGIN_S = 0.25
"""Around each load, so that its first and last readings hold nothing of another."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is recorded. `longest_*` in tokens; the pause lets the clocks go down."""

    mixed_requests: int = 250
    mixed_rate: float = 4.0  # requests a second
    isolated: int = 30
    pairs: int = 20
    pair_turns: int = 2  # with, without, without, with: a device that warms up favours neither
    twins: int = 10
    largest_batch: int = 64
    longest_prompt: int = 4_096
    longest_answer: int = 256
    pause_s: float = 1.5
    idle_s: float = 12.0

    @property
    def load_count(self) -> int:
        return 1 + self.isolated + self.pairs * (1 + 2 * self.pair_turns) + self.twins


QUICK = Sizes(
    mixed_requests=6, mixed_rate=8.0, isolated=2, pairs=2, pair_turns=1, twins=1, largest_batch=4,
    longest_prompt=1_000, longest_answer=30, pause_s=0.1, idle_s=1.5,
)  # fmt: skip


def run_all(
    sizes: Sizes,
    client: StreamClient,
    recording: Recording,
    draw: random.Random,
    on_load: Callable[[str], None],
    trace: Sequence[Spec] | None = None,
    *,
    only_pairs: bool = False,
) -> None:
    """Add every experiment and its requests to the recording.

    `only_pairs`: no mixed traffic and no twins; the requests that are left out run alone too.
    Each batch is answered once before it is measured: an engine that meets lengths for the first time
    chooses kernels and grows its memory, which took up to 1.6 s more on an H100.
    """

    def load(
        kind: str, specs: Sequence[Spec], pair: int | None = None, subject: int | None = None
    ) -> int:
        """Run it; the key of its first request."""
        number = len(recording.experiments)
        start_ns = time.perf_counter_ns()
        time.sleep(MARGIN_S)
        records = client.send_together(specs, number)
        time.sleep(MARGIN_S)
        stop_ns = time.perf_counter_ns()
        own = subject if kind == "isolated" or subject is None else records[0].key + subject
        recording.experiments.append(Experiment(number, kind, pair, own, start_ns, stop_ns))
        recording.requests.extend(records)
        on_load(kind)
        time.sleep(sizes.pause_s)
        return records[0].key

    time.sleep(sizes.idle_s)
    mixed = list(trace or mixed_load(sizes, draw))
    lengths = [Spec(one.prompt_tokens, one.output_tokens) for one in mixed]
    if not only_pairs:
        first = load("mixed", mixed)
        for place in draw.sample(range(len(mixed)), min(sizes.isolated, len(mixed))):
            load("isolated", [lengths[place]], subject=first + place)
    for pair, left_out_spec in enumerate(left_out_specs(lengths, sizes.pairs, draw)):
        count = round(2 * (sizes.largest_batch / 2) ** draw.random())  # 2 and 64 alike often
        batch = draw.choices(lengths, k=count)
        place = draw.randrange(len(batch))
        batch[place] = left_out_spec
        without = [spec for index, spec in enumerate(batch) if index != place]
        turns = [("with", batch, place), ("without", without, None)]
        load("warm-up", batch)
        for turn in range(sizes.pair_turns):
            for kind, specs, subject in turns if (pair + turn) % 2 == 0 else turns[::-1]:
                begun = load(kind, specs, pair, subject)
                if subject is not None:
                    left_out = begun + subject
        if only_pairs:
            load("isolated", [batch[place]], pair, left_out)
    for _ in range(0 if only_pairs else sizes.twins):
        twin, *others = draw.choices(lengths, k=1 + sizes.largest_batch // 2)
        load("twins", [twin, twin, *others], subject=0)


def left_out_specs(lengths: Sequence[Spec], pairs: int, draw: random.Random) -> list[Spec]:
    """One request a pair, at even quantiles of the load's tokens, in a drawn order.

    Drawn freely, twenty requests are mostly of the common lengths: their order says how much two runs
    differ, not who needs more. Even quantiles hold small, middling and large ones as the load does.
    """
    by_size = sorted(lengths, key=lambda spec: spec.prompt_tokens + spec.output_tokens)
    chosen = [by_size[int((pair + 0.5) / pairs * len(by_size))] for pair in range(pairs)]
    draw.shuffle(chosen)
    return chosen


def mixed_load(sizes: Sizes, draw: random.Random) -> list[Spec]:
    """Arrivals in bursts (gamma-distributed gaps of coefficient of variation 2), mixed lengths."""
    specs, at_s = [], 0.0
    for _ in range(sizes.mixed_requests):
        lengths = _lengths(sizes, draw)
        specs.append(Spec(lengths.prompt_tokens, lengths.output_tokens, at_s))
        at_s += draw.gammavariate(0.25, 4.0 / sizes.mixed_rate)
    return specs


def read_trace(path: Path, sizes: Sizes) -> list[Spec]:
    """The first requests of a CSV of the Azure LLM inference trace: TIMESTAMP, ContextTokens,
    GeneratedTokens (Patel et al., "Splitwise", ISCA 2024); lengths are cut to the sizes'.

    Raises SystemExit for a file without these columns.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(itertools.islice(csv.DictReader(file), sizes.mixed_requests))
    try:
        times = [datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp() for row in rows]
        return [
            Spec(
                min(sizes.longest_prompt, max(8, int(row["ContextTokens"]))),
                min(sizes.longest_answer, max(1, int(row["GeneratedTokens"]))),
                at_s - times[0],
            )
            for row, at_s in zip(rows, times, strict=True)
        ]
    except (KeyError, ValueError) as error:
        raise SystemExit(f"{path} is no trace of Azure's: {error}") from error


def _lengths(sizes: Sizes, draw: random.Random) -> Spec:
    """Log-normal, as prompts and answers of conversations are."""
    prompt = min(sizes.longest_prompt, max(16, int(draw.lognormvariate(6.2, 1.0))))
    answer = min(sizes.longest_answer, max(4, int(draw.lognormvariate(4.0, 0.8))))
    return Spec(prompt, answer)
