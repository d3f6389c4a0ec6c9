"""How many answers a second the whole default suite judges: `make bench-eval`.

Answers of 100 words with distinct contexts of 300, cold caches, each way in processes of its own,
one after another on all cores. The bars: 10 answers a second without the small language model, 1
with it, 4 times the plain way, 1.5 GB. Prints a table, then one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT: Final = Path(__file__).resolve().parents[3]
_LIMIT_S: Final = 1800
_WAYS: Final = {"light": 192, "plain": 48, "full": 32}
_QUICK: Final = 4  # times fewer answers


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, in a fraction of the time")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--processes", type=int, default=1, help="scoring processes at once (1)")
    parser.add_argument("--scale", type=int, default=1, help="times as many answers")
    arguments = parser.parse_args()
    if arguments.processes < 1:
        parser.error("--processes must be at least 1")
    found: dict[str, dict[str, Any]] = {}
    for way, count in track(_WAYS.items(), description="ways"):
        answers = count // _QUICK if arguments.quick else count * arguments.scale
        found[way] = _measured(way, answers, arguments.device, arguments.processes)
    table = Table(title="the whole default suite", title_justify="left")
    for heading in ("way", "device", "answers", "answers/s", "CPU s/answer", "peak MB"):
        table.add_column(heading)
    for way, one in found.items():
        table.add_row(
            way, one["device"], str(one["answers"]), f"{one['answers_per_s']:.2f}",
            f"{one['cpu_s_per_answer']:.3f}", f"{one['rss_mb']:.0f}",
        )  # fmt: skip
    Console(width=120).print(table)
    print("evaluators:", ", ".join(found["light"]["evaluators"]))
    figures = {
        "bench": "eval",
        "answers_per_s": round(found["light"]["answers_per_s"], 2),
        "answers_per_s_full": round(found["full"]["answers_per_s"], 2),
        "ratio_plain": round(found["light"]["answers_per_s"] / found["plain"]["answers_per_s"], 2),
        "rss_mb": round(found["full"]["rss_mb"]),
    }
    print(json.dumps(figures))
    return 0


def _measured(way: str, answers: int, device: str, processes: int) -> dict[str, Any]:
    environment = dict(os.environ)
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.eval.measure", way, str(answers), str(processes)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_LIMIT_S,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if device == "cuda" and "cuda" not in found["device"]:
        raise SystemExit("--device cuda: torch sees no GPU; install a CUDA build of torch")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
