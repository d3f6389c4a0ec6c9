"""Why was it slow? Each cause planted on a real engine, and whether the product names it.

    python tests/benchmarks/causes/main.py                      llama.cpp, some three minutes
    python tests/benchmarks/causes/main.py --only queued        one experiment
    python tests/benchmarks/causes/main.py --vllm-python PATH   vLLM's CPU build besides

What the client measured by its own clock is the truth. A cause is right when it is the one named
and its seconds differ from the truth by at most a fifth and a tenth of a second.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.benchmarks.causes import plants, vllm_plants
from tests.benchmarks.causes.plants import Bench, Plant, Suffered
from tests.benchmarks.causes.stack import Explained, explain, llama_server
from tests.conformance.conformance import running_collector
from tests.conformance.vllm.engine import running_sidecar
from tests.fixtures.store_process import running_store

SLOTS: Final = 2
WIDE_SLOTS: Final = 6
_TOLERANCE: Final = 0.2
_TOLERANCE_S: Final = 0.1

NARROW: Final[dict[str, tuple[str, Plant]]] = {
    "queued": ("engine_queue", plants.queued),
    "queued_whole": ("engine_queue", plants.queued_whole),
    "queued_unsaid": ("engine_queue", plants.queued_unsaid),
    "long_prompt": ("own_prompt", plants.long_prompt),
    "long_answer": ("own_answer", plants.long_answer),
    "neighbours_prompt": ("neighbour_prefill", plants.neighbours_prompt),
    "stalled": ("stalled", plants.stalled),
    "slow_client": ("slow_client", plants.slow_client),
}
"""Experiment -> what must be named, and how it is planted; on an engine of two slots."""

GATED: Final[dict[str, tuple[str, Plant]]] = {"admission": ("admission_queue", plants.queued)}
"""Behind a sidecar that lets two requests in at a time."""

WIDE: Final[dict[str, tuple[str, Plant]]] = {"crowded": ("busy_batch", plants.crowded)}
"""On an engine of six slots."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One experiment: what was planted, and what the product said."""

    name: str
    cause: str
    truth_s: float
    said: Explained

    @property
    def is_named(self) -> bool:
        """Whether the planted cause is the one named."""
        return self.said.named == self.cause

    @property
    def is_right(self) -> bool:
        """Whether it is named with its seconds."""
        error_s = abs(self.said.seconds(self.cause) - self.truth_s)
        return self.is_named and error_s <= _TOLERANCE * self.truth_s + _TOLERANCE_S


def run(
    home: Path,
    only: Sequence[str] = (),
    vllm_python: str | None = None,
    console: Console | None = None,
) -> list[Outcome]:
    """Every experiment chosen, with a store and a collector of its own in `home`."""
    console = console or Console()
    with ExitStack() as stack:
        stack.enter_context(running_store(home))
        collector = stack.enter_context(running_collector(home))

        def sidecar(engine_url: str, name: str, *options: str) -> str:
            log = home / f"sidecar-{name}.log"
            return stack.enter_context(running_sidecar(engine_url, collector, log, *options))

        found: list[Outcome] = []

        def plant(name: str, cause: str, url: str, suffered: Suffered) -> None:
            said = explain(collector, url, suffered.heard)
            found.append(Outcome(name, cause, suffered.seconds, said))

        def chosen(table: dict[str, tuple[str, Plant]]) -> dict[str, tuple[str, Plant]]:
            return {name: row for name, row in table.items() if not only or name in only}

        def benches() -> Iterator[tuple[Bench, dict[str, tuple[str, Plant]]]]:
            if chosen(NARROW) or chosen(GATED):
                with llama_server(home, SLOTS) as engine:
                    if chosen(NARROW):
                        yield Bench(engine, sidecar(engine.url, "narrow"), SLOTS), chosen(NARROW)
                    if chosen(GATED):
                        rules = home / "routing.toml"
                        rules.write_text(
                            f"[admission]\nmax_in_flight = {SLOTS}\nmax_wait_s = 120\n"
                        )
                        url = sidecar(engine.url, "gated", "--routing-file", str(rules))
                        yield Bench(engine, url, SLOTS), chosen(GATED)
            if chosen(WIDE):
                with llama_server(home, WIDE_SLOTS) as engine:
                    yield Bench(engine, sidecar(engine.url, "wide"), WIDE_SLOTS), chosen(WIDE)

        for bench, table in benches():
            plants.usual(bench)
            for name in track(table, description="planting", console=console, transient=True):
                cause, how = table[name]
                plant(name, cause, bench.url, how(bench))
        if vllm_python is not None:
            for planted in vllm_plants.planted(home, vllm_python, sidecar, only):
                plant(*planted)
    return found


def show(found: Sequence[Outcome], console: Console) -> None:
    """The table for people."""
    table = Table("experiment", "planted", "truth, s", "said, s", "named", "causes, s")
    for one in found:
        parts = ", ".join(f"{cause} {seconds:.2f}" for cause, seconds in one.said.parts[:4])
        table.add_row(
            one.name,
            one.cause,
            f"{one.truth_s:.2f}",
            f"{one.said.seconds(one.cause):.2f}",
            "right" if one.is_right else "share off" if one.is_named else one.said.named,
            parts,
        )
    console.print(table)


def main() -> int:
    """Run it; the last line is one JSON object. Exit status 1 when a cause was not named right."""
    parser = argparse.ArgumentParser(description="causes planted on a real engine")
    parser.add_argument("--only", nargs="*", default=[], metavar="EXPERIMENT")
    parser.add_argument("--vllm-python", help="an interpreter that has vLLM's CPU build")
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="causes-") as folder:
        found = run(Path(folder), arguments.only, arguments.vllm_python, console)
    show(found, console)
    errors = [abs(one.said.seconds(one.cause) - one.truth_s) / one.truth_s for one in found]
    figures = {
        "bench": "causes",
        "planted": len(found),
        "named": sum(one.is_named for one in found),
        "named_right": sum(one.is_right for one in found),
        "largest_error": round(max(errors), 3),
    }
    print(json.dumps(figures))
    return 0 if all(one.is_right for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
