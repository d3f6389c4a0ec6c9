"""Spans a second until they can be asked for: Tachograph, its peers, and the bare engine.

    python tests/benchmarks/ingest/bench_ingest.py            everything, about 20 minutes
    python tests/benchmarks/ingest/bench_ingest.py --quick    Tachograph and the limit, a minute

All contestants get the same bodies (`spans.py`), in turn within each round, from one load process.
Peers get fewer spans of the same stream: the table says how many. What is counted is when the spans
can be asked for, not when they were acknowledged.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console
from tests.benchmarks.ingest.contestants import Contestant
from tests.benchmarks.ingest.limit import insert_target, native_blocks
from tests.benchmarks.ingest.measure import (
    Held,
    Round,
    Step,
    bodies_for,
    books,
    cold_start,
    hold,
    million,
    run_insert,
    run_round,
)
from tests.benchmarks.ingest.peer_servers import MlflowServer, PeerServer, PhoenixServer
from tests.benchmarks.ingest.processes import keep_priority
from tests.benchmarks.ingest.report import (
    Figures,
    Measured,
    overload_table,
    rounds_table,
    steps_table,
)
from tests.benchmarks.ingest.spans import Stream
from tests.benchmarks.ingest.tachograph_stack import TachographStack

ROOT: Final = Path(__file__).resolve().parents[3]
LIMIT: Final = "bare engine"
OURS: Final = "Tachograph"
PEERS: Final[Mapping[str, type[PeerServer]]] = {"phoenix": PhoenixServer, "mlflow": MlflowServer}
_WARM_UP_SPANS: Final = 400
_WARM_S: Final = 2.0
_MAX_WARM_UPS: Final = 6
_WARM_ROUND_S: Final = 1.0
"""Of its own load, to each contestant just before its round: it has been idle for the others' minutes,
and what the kernel took back of its memory meanwhile would be counted."""
_ONE_CONNECTION_SPANS: Final = 6_000
_ONE_CONNECTION_ROUNDS: Final = 3
_MAX_HELD_SPANS: Final = 500_000  # bodies are made beforehand: 2.3 kB a span
_FACTORS: Final = (1.0, 4.0, 10.0)


class Bench:
    """One run: streams, contestants, what was measured of them."""

    def __init__(self, args: argparse.Namespace, console: Console, folder: Path) -> None:
        self._args = args
        self._console = console
        self._streams = [
            Stream(args.spans, seed, description=f"writing spans, round {seed}")
            for seed in range(1, args.rounds + 1)
        ]
        self.ours = TachographStack(folder)
        self.contestants: list[Contestant] = [self.ours]
        for name in args.peers:
            self._say(f"{name}: its environment is made where it is missing")
            self.contestants.append(PEERS[name](folder, args.cache))
        self.measured: dict[str, Measured] = {}
        self.figures = Figures(zstd_ratio=self._streams[0].zstd_ratio)
        self._rates: dict[str, float] = {}
        """Of each contestant's last warm-up, spans/s."""

    def start(self) -> None:
        """Start everybody, one after another, and warm them up."""
        for contestant in self.contestants:
            one = self.measured[contestant.name] = Measured(contestant.version)
            one.cold_start_s = cold_start(contestant, self._streams[0].bodies(4, spans=4)[0])
            self._say(f"{contestant.name} is up: first span after {one.cold_start_s:.1f} s")
            self._warm_up(contestant)

    def _warm_up(self, contestant: Contestant) -> None:
        """Each worker's first request takes MLflow half a minute: again until none is slow."""
        for number in range(1, _MAX_WARM_UPS + 1):
            bodies = self._streams[0].bodies(4, spans=_WARM_UP_SPANS)
            one = run_round(contestant, f"warm-{number}", bodies, self._args.connections)
            slowest_s = one.outcome.latency_ms(1.0) / 1e3
            self._say(f"  warm-up {number}: slowest request {slowest_s:.1f} s")
            self._rates[contestant.name] = one.spans_per_s
            if slowest_s < _WARM_S:
                return

    def _warm_up_again(self, contestant: Contestant, number: int) -> None:
        batch = self._args.batch
        spans = max(batch, int(self._rates[contestant.name] * _WARM_ROUND_S) // batch * batch)
        bodies = self._streams[0].bodies(batch, spans=min(spans, self._args.spans))
        one = run_round(contestant, f"again-{number}", bodies, self._args.connections)
        self._rates[contestant.name] = one.spans_per_s

    def rounds(self) -> None:
        """The same spans to each contestant in turn."""
        self.measured[LIMIT] = Measured()
        lost = duplicates = 0
        for number, stream in enumerate(self._streams, 1):
            for contestant in self.contestants:
                phase = f"round-{number}"
                self._warm_up_again(contestant, number)
                bodies = stream.bodies(self._args.batch, spans=self._spans_of(contestant))
                one = run_round(contestant, phase, bodies, self._args.connections)
                self.measured[contestant.name].rounds.append(one)
                self._say_round(contestant.name, number, one)
                if contestant is self.ours:
                    found = books(contestant, one.outcome)
                    lost, duplicates = lost + found.lost, duplicates + found.duplicates
                    limit = self._limit(phase, self._args.spans)
                    self.measured[LIMIT].rounds.append(limit)
                    self._say_round(LIMIT, number, limit)
        self.figures.lost, self.figures.duplicates = lost, duplicates
        ours, limits = self.measured[OURS].rounds, self.measured[LIMIT].rounds
        self.figures.spans_per_s = self.measured[OURS].spans_per_s
        self.figures.ratio_bare_engine = statistics.median(
            one.spans_per_s / limit.spans_per_s for one, limit in zip(ours, limits, strict=True)
        )

    def one_connection(self) -> None:
        """A single client that waits for each answer."""
        for batch in (500, 100):
            found: list[float] = []
            for number in range(_ONE_CONNECTION_ROUNDS):
                bodies = self._streams[0].bodies(batch, spans=_ONE_CONNECTION_SPANS)
                one = run_round(self.ours, f"one-{batch}-{number}", bodies, 1)
                found.append(one.spans_per_s)
            middle = statistics.median(found)
            self._say(f"one connection, bodies of {batch}: {middle:,.0f} spans/s")
            self.figures.one_connection_spans_per_s = middle

    def sizes(self) -> None:
        """Bytes on disk, merged."""
        day = time.strftime("%Y%m%d", time.gmtime(time.time() - 120))
        figures = self.figures
        figures.bytes_per_span, figures.bytes_per_span_search = self.ours.span_bytes(day)
        self.measured[OURS].disk_bytes_a_span = (
            figures.bytes_per_span + figures.bytes_per_span_search
        )
        for contestant in self.contestants[1:]:
            self.measured[contestant.name].disk_bytes_a_span = (
                contestant.disk_bytes() / contestant.stored()
            )

    def overload(self, factors: Sequence[float]) -> None:
        """Each contestant at multiples of its own sustained rate."""
        for contestant in self.contestants:
            one = self.measured[contestant.name]
            for factor in factors:
                held = self._hold(contestant, factor, one.spans_per_s)
                one.held.append(held)
                for problem in held.outcome.problems:
                    self._say(f"  {contestant.name} answered {problem}")
        ours = self.measured[OURS].held
        assert self.figures.lost is not None and self.figures.duplicates is not None
        self.figures.lost += sum(held.lost for held in ours)
        self.figures.duplicates += sum(held.duplicates for held in ours)
        self.figures.p99_ms = ours[0].outcome.latency_ms(0.99)

    def million(self) -> list[Step]:
        """Memory and rate over many spans."""
        stream = self._streams[0]
        return million(self.ours, stream, self._args.million, self._args.connections, self._console)

    def memory(self, steps: Sequence[Step]) -> None:
        """The highest of everything."""
        ours = self.measured[OURS]
        peaks = [one.peak_bytes for one in ours.rounds]
        peaks += [held.peak_bytes for held in ours.held]
        self.figures.rss_mb = max([*peaks, *(step.peak_bytes for step in steps)]) / 1e6

    def compare(self) -> None:
        """Ratios of medians."""
        ours = self.measured[OURS].spans_per_s
        for contestant in self.contestants[1:]:
            ratio = ours / self.measured[contestant.name].spans_per_s
            setattr(self.figures, f"ratio_{contestant.name.lower()}", ratio)

    def _spans_of(self, contestant: Contestant) -> int:
        spans: int = self._args.spans
        return min(spans, contestant.max_round_spans)

    def _limit(self, phase: str, spans: int) -> Round:
        blocks = native_blocks(self.ours, phase, f"limit-{phase}", spans)
        target = insert_target(self.ours)
        return run_insert(self.ours, target, blocks, self._args.limit_connections)

    def _hold(self, contestant: Contestant, factor: float, rate: float) -> Held:
        wanted_s = self._args.hold_s if contestant is self.ours else self._args.peer_hold_s
        duration_s = min(wanted_s, _MAX_HELD_SPANS / (factor * rate))
        spans = max(self._args.batch, int(factor * rate * duration_s))
        bodies = bodies_for(self._streams[0], self._args.batch, spans // 4 * 4)
        return hold(
            contestant,
            f"hold-{factor:g}",
            bodies,
            factor=factor,
            spans_per_s=rate,
            duration_s=duration_s,
            connections=int(self._args.connections * factor),
        )

    def _say_round(self, name: str, number: int, one: Round) -> None:
        self._say(
            f"round {number}: {name:12} {one.spans_per_s:10,.0f} spans/s, "
            f"{one.cpu_us_a_span:6.0f} µs of server CPU a span, client {one.client_share:.2f} cores"
        )
        for problem in one.outcome.problems:
            self._say(f"  {name} answered {problem}")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)


def main() -> None:
    """Measure, print tables, then the figures as one line."""
    args = _arguments()
    keep_priority(os.getpid())
    console = Console(width=150)
    with tempfile.TemporaryDirectory(prefix="bench-ingest-", dir=args.dir) as folder:
        bench = Bench(args, console, Path(folder))
        with ExitStack() as stopping:
            for contestant in bench.contestants:
                stopping.callback(contestant.stop)
            bench.start()
            bench.rounds()
            bench.sizes()
            bench.one_connection()
            bench.overload(args.factors)
            steps = bench.million() if args.million else []
        bench.memory(steps)
        bench.compare()
    console.print(rounds_table(bench.measured))
    console.print(overload_table(bench.measured))
    if steps:
        console.print(steps_table(steps))
    print(json.dumps(bench.figures.line()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="Tachograph and the limit only")
    parser.add_argument(
        "--peers", nargs="*", choices=sorted(PEERS), help="peers to run (all; quick none)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "build" / "peers",
        help="where the peers' environments are kept (build/peers)",
    )
    parser.add_argument("--rounds", type=int, help="rounds (3; quick 2)")
    parser.add_argument("--spans", type=int, default=20_000, help="spans a round (20,000)")
    parser.add_argument("--batch", type=int, default=100, help="spans a body (100)")
    parser.add_argument("--connections", type=int, default=16, help="connections (16)")
    parser.add_argument(
        "--limit-connections", type=int, default=2, help="inserts at once into the bare engine (2)"
    )
    parser.add_argument("--hold-s", type=float, help="seconds of each overload (10; quick 4)")
    parser.add_argument(
        "--peer-hold-s", type=float, default=4.0, help="the same for peers, which queue long (4)"
    )
    parser.add_argument(
        "--factors", type=float, nargs="+", help="multiples of the sustained rate (1 4 10; quick 1)"
    )
    parser.add_argument(
        "--million", type=int, help="spans of the memory run, 0 for none (1,000,000; quick 0)"
    )
    parser.add_argument("--dir", type=Path, help="where stores are made (the temporary directory)")
    args = parser.parse_args()
    chosen = {
        "peers": [] if args.quick else ["phoenix", "mlflow"],
        "rounds": 2 if args.quick else 3,
        "hold_s": 4.0 if args.quick else 10.0,
        "factors": [1.0] if args.quick else list(_FACTORS),
        "million": 0 if args.quick else 1_000_000,
    }
    for name, value in chosen.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


if __name__ == "__main__":
    main()
