"""Broken bytes against a running stack, for as long as it is told.

    python tests/benchmarks/fuzz/fuzz.py --minutes 30
    python tests/benchmarks/fuzz/fuzz.py --seed 7 --cases 1000    the same cases again

A case is a valid body, message, request head or HTTP/2 connection with up to twenty mutations,
before or after compression. Wrong are: a process that ends, a 5xx other than 503 with Retry-After, a
request without any answer, memory that grows. Each wrong case is kept under --save.
"""

import argparse
import json
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from tests.benchmarks.fuzz.attack import Attacker
from tests.benchmarks.fuzz.mutate import Case, Mutator
from tests.benchmarks.ingest.tachograph_stack import TachographStack

_WARM_CASES = 500  # caches, pools and arenas have their size by then
_CHECK_EVERY = 100


class Run:
    """One run's counts."""

    def __init__(self, stack: TachographStack, save: Path, console: Console) -> None:
        self._stack = stack
        self._save = save
        self._console = console
        self.cases = 0
        self.crashes = 0
        self.server_errors = 0
        self.transports: Counter[str] = Counter()
        self._warm_bytes: int | None = None
        self._last_bytes = 0

    @property
    def growth_mb(self) -> float:
        """Resident memory of all processes, now, over what it was after the first cases."""
        return (self._last_bytes - (self._warm_bytes or self._last_bytes)) / 1e6

    def one(self, attacker: Attacker, case: Case) -> bool:
        """Send a case; False when a process has ended."""
        fault = attacker.send(case)
        self.cases += 1
        self.transports[case.transport] += 1
        if fault is not None:
            self.server_errors += 1
            self._keep(case, fault)
        if self.cases % _CHECK_EVERY and fault is None:
            return True
        try:
            self._stack.servers.check()
        except RuntimeError as error:
            self.crashes += 1
            self._keep(case, str(error))
            return False
        self._last_bytes = self._stack.servers.resident_bytes()
        if self._warm_bytes is None and self.cases >= _WARM_CASES:
            self._warm_bytes = self._last_bytes
        return True

    def _keep(self, case: Case, fault: str) -> None:
        self._save.mkdir(parents=True, exist_ok=True)
        path = self._save / f"case-{self.cases}.bin"
        path.write_bytes(case.body)
        told = (
            f"case {self.cases}: {case.transport} {case.signal} {case.headers}: {fault} -> {path}"
        )
        self._console.print(told, highlight=False, markup=False)


def main() -> None:
    """Fuzz, then print the counts."""
    args = _arguments()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        stack = TachographStack(Path(folder))
        run = Run(stack, args.save, console)
        try:
            stack.start()
            target = stack.begin("fuzz")
            key = target.headers["authorization"].removeprefix("Bearer ")
            http_address = f"{target.host}:{target.port}"
            with urllib.request.urlopen(f"http://{http_address}/healthz", timeout=10) as answer:
                grpc_address = json.load(answer)["grpc"]
            mutator = Mutator(args.seed)
            with Attacker(http_address, grpc_address, key) as attacker:
                for _ in _rounds(args, run, console):
                    if not run.one(attacker, mutator.case()):
                        break
            stored = stack.stored() if not run.crashes else 0
        finally:
            stack.stop()
    console.print(f"cases by transport: {dict(run.transports)}; spans stored: {stored:,}")
    figures = {
        "cases": run.cases,
        "crashes": run.crashes,
        "server_errors": run.server_errors,
        "rss_growth_mb": round(run.growth_mb, 1),
    }
    print(json.dumps({"bench": "fuzz", **figures}))


def _rounds(args: argparse.Namespace, run: Run, console: Console) -> Iterator[None]:
    """Until the minutes are over, or the cases are done."""
    limit_s = args.minutes * 60
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("fuzzing", total=args.cases or limit_s)
        while (run.cases < args.cases) if args.cases else (time.monotonic() - began < limit_s):
            yield
            done = run.cases if args.cases else time.monotonic() - began
            progress.update(
                task,
                completed=done,
                description=f"{run.cases:,} cases, {run.server_errors} wrong, "
                f"{run.growth_mb:+.0f} MB",
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (5)")
    parser.add_argument("--cases", type=int, default=0, help="so many cases instead")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="of the mutations")
    parser.add_argument(
        "--save", type=Path, default=Path("build/fuzz"), help="where wrong cases go (build/fuzz)"
    )
    args = parser.parse_args()
    print(f"seed {args.seed}")
    return args


if __name__ == "__main__":
    main()
