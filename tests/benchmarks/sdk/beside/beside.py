"""Our SDK beside other people's instrumentation, each in an environment of its own.

    python tests/benchmarks/sdk/beside/beside.py [--cache FOLDER] [--only DRIVER]

Real packages from the lock files beside this program, a real HTTP engine, a real receiver. Prints
what was promised and whether it holds; the last line is one JSON object. Exit status 0 only if
every promise holds. The first run installs the environments (vLLM's: 3.5 GB).
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[3]
sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.benchmarks.sdk.beside.cases import CASES, Case, Outcome
from tests.benchmarks.sdk.processes import python_of
from tests.integration.sdk.openai_server import openai_server

from tachograph.testing import Receiver

_LIMIT_S: Final = 600  # vLLM starts for a minute


def run(case: Case, python: str) -> Outcome:
    """Run a driver; everything that it sends goes to this process."""
    with Receiver() as receiver, Receiver() as sentry, openai_server() as engine:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(Path(python).parent),
            "PYTHONPATH": str(ROOT / "sdk"),
            "TACHOGRAPH_ENDPOINT": receiver.endpoint,
            "TACHOGRAPH_TESTING": "1",
            "PROVIDER": case.provider,
            "ENGINE_URL": engine.url,
            "SENTRY_DSN": sentry.endpoint.replace("http://", "http://key@") + "/1",
        }
        driver = str(HERE / "drivers" / f"drive_{case.driver}.py")
        done = subprocess.run(
            [python, driver],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{case.driver}:\n{done.stderr[-3000:]}")
        printed = done.stdout.strip().splitlines()
        envelopes = sum("/envelope" in path for path, _ in sentry.requests)
        return Outcome(receiver.spans, json.loads(printed[-1]) if printed else [], envelopes)


def main() -> int:
    """Run every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "sdk-peers")
    parser.add_argument("--only", help="the cases of one driver, such as vllm")
    arguments = parser.parse_args()
    cache: Path = arguments.cache
    cases = [case for case in CASES if arguments.only in (None, case.driver)]
    table = Table("beside", "our provider", "promise", "holds")
    held = 0
    for case in track(cases, "cases", transient=True):
        outcome = run(case, python_of(case.environment, cache))
        holds = case.holds(outcome)
        held += holds
        told = "yes" if holds else f"no: {[span.name for span in outcome.spans]}"
        table.add_row(case.driver, case.provider, case.promise, told)
    Console(width=118).print(table)
    print(json.dumps({"bench": "sdk-beside", "cases": len(cases), "held": held}))
    return 0 if held == len(cases) else 1


if __name__ == "__main__":
    raise SystemExit(main())
