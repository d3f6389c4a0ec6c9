"""What a proxy adds to a stream: Tachograph's sidecar beside nginx and LiteLLM's proxy.

    python tests/benchmarks/sidecar/bench_sidecar.py            everything, about 12 minutes
    python tests/benchmarks/sidecar/bench_sidecar.py --quick    one round, few streams, a minute

Client and engine stub are compiled (`load.c`) and share one core, the proxy has another. Each event
carries the clock at which the stub sent it: what a proxy adds is the difference to no proxy at all,
in the same round, to the first event and to every event. Paced streams begin one after another over
the time of a stream, as they do once 64 connections have been in use for a while, and no two in the same
phase of their pace; what 64 that begin within 20 ms wait for their first events stands beside.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from tests.benchmarks.sidecar.load import Client, Streams, build, start_stub
from tests.benchmarks.sidecar.proxies import Direct, LiteLlm, Nginx, Proxy, Sidecar

from tachograph_cli.supervisor.ports import choose_free

_PERCENTILES = (50, 99)
_CONNECTIONS = 64
_GAP_US = 20_000
_PHASE_US = _GAP_US // _CONNECTIONS
_HELD = 1_000


class Bench:
    """One run: its proxies, what they did in each round."""

    def __init__(self, args: argparse.Namespace, folder: Path, console: Console) -> None:
        cores = sorted(os.sched_getaffinity(0))
        own, other = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
        self._args = args
        self._console = console
        program = build(folder)
        [port] = choose_free(1)
        self._stub = start_stub(program, folder, port, own)
        self._client = Client(program, folder, own)
        self.sidecar = Sidecar(folder, port, other)
        self.proxies: list[Proxy] = [Direct(port), Nginx(folder, port, other), self.sidecar]
        if not args.without_litellm:
            self.proxies.append(LiteLlm(folder, port, other, args.cache))
        self.paced: dict[str, list[Streams]] = {proxy.name: [] for proxy in self.proxies}
        self.bursts: dict[str, list[Streams]] = {proxy.name: [] for proxy in self.proxies}
        self.saturated: dict[str, list[Streams]] = {proxy.name: [] for proxy in self.proxies}

    def stop(self) -> None:
        for proxy in self.proxies:
            proxy.stop()
        self._stub.stop()

    def rounds(self) -> None:
        """Alternate: each round begins with another proxy."""
        args = self._args
        with Progress(console=self._console) as progress:
            task = progress.add_task("rounds", total=args.rounds * len(self.proxies))
            for number in range(args.rounds):
                shift = number % len(self.proxies)
                for proxy in self.proxies[shift:] + self.proxies[:shift]:
                    self._client.run(  # connections and code paths of this proxy are warm
                        proxy.port, connections=_CONNECTIONS, requests=64, events=3, gap_us=0
                    )
                    self.paced[proxy.name].append(
                        self._client.run(
                            proxy.port,
                            connections=_CONNECTIONS,
                            requests=2 * _CONNECTIONS,
                            events=args.events,
                            gap_us=_GAP_US,
                            ramp_us=args.events * _GAP_US // _CONNECTIONS + _PHASE_US,
                        )
                    )
                    self.bursts[proxy.name].append(
                        self._client.run(
                            proxy.port,
                            connections=_CONNECTIONS,
                            requests=_CONNECTIONS,
                            events=3,
                            gap_us=_GAP_US,
                            ramp_us=_PHASE_US,
                        )
                    )
                    requests = args.requests if proxy.name != "litellm" else args.requests // 10
                    self.saturated[proxy.name].append(
                        self._client.run(
                            proxy.port,
                            connections=_CONNECTIONS,
                            requests=requests,
                            events=10,
                            gap_us=0,
                        )
                    )
                    progress.advance(task)

    def memory(self) -> list[float]:
        """Resident megabytes of the sidecar after each tenth of many streams."""
        found = []
        with Progress(console=self._console) as progress:
            task = progress.add_task("streams for the memory", total=10)
            for _ in range(10):
                self._client.run(
                    self.sidecar.port,
                    connections=_CONNECTIONS,
                    requests=self._args.many // 10,
                    events=3,
                    gap_us=0,
                )
                found.append(self.sidecar.resident_bytes() / 1e6)
                progress.advance(task)
        return found

    def held(self) -> Streams:
        """Streams that say something every two seconds, all at once."""
        return self._client.run(
            self.sidecar.port,
            connections=_HELD,
            requests=_HELD,
            events=3,
            gap_us=2_000_000,
            ramp_us=1_000,
        )


def added_ms(
    runs: Mapping[str, Sequence[Streams]], name: str, kind: str, percentile: int
) -> list[float]:
    """What a proxy adds at a percentile, a value a round, milliseconds."""
    return [
        float(np.percentile(getattr(own, kind), percentile)) / 1e6
        - float(np.percentile(getattr(direct, kind), percentile)) / 1e6
        for own, direct in zip(runs[name], runs["direct"], strict=True)
    ]


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def report(
    bench: Bench, rss_mb: list[float], held: Streams, console: Console
) -> Mapping[str, object]:
    """Tables for people; the last line for programs."""
    table = Table(title="added to a stream, ms: median of the rounds (smallest-largest)")
    columns = ("first p50", "first p99", "event p50", "event p99", "burst p50", "burst p99")
    for column in ("", "version", *columns, "streams/s"):
        table.add_column(column)
    worst: dict[str, dict[int, float]] = {}
    for proxy in bench.proxies:
        name = proxy.name
        each = [streams.per_s for streams in bench.saturated[name]]
        cells = []
        worst[name] = dict.fromkeys(_PERCENTILES, 0.0)
        for kind in ("first_ns", "transit_ns"):
            for percentile in _PERCENTILES:
                added = added_ms(bench.paced, name, kind, percentile)
                cells.append(_spread(added))
                worst[name][percentile] = max(worst[name][percentile], statistics.median(added))
        cells += [
            _spread(added_ms(bench.bursts, name, "first_ns", percentile))
            for percentile in _PERCENTILES
        ]
        rate = f"{statistics.median(each):,.0f} ({min(each):,.0f}-{max(each):,.0f})"
        table.add_row(name, proxy.version, *cells, rate)
    console.print(table)
    failed = {name: sum(s.failed for s in runs) for name, runs in bench.paced.items()}
    console.print(f"streams cut short: {failed}; held at once: {held.answered} of {_HELD}")
    console.print(
        "sidecar, resident MB by tenth of the streams: " + ", ".join(f"{m:.0f}" for m in rss_mb)
    )
    rates = {n: statistics.median(s.per_s for s in runs) for n, runs in bench.saturated.items()}
    own, nginx = worst["sidecar"], worst["nginx"]
    return {
        "bench": "sidecar",
        "added_p50_ms": round(own[50], 3),
        "added_p99_ms": round(own[99], 3),
        "ratio_nginx_p50": round(own[50] / nginx[50], 2) if nginx[50] > 0 else None,
        "ratio_nginx_p99": round(own[99] / nginx[99], 2) if nginx[99] > 0 else None,
        "burst_first_p50_ms": round(_burst(bench, 50), 3),
        "burst_first_p99_ms": round(_burst(bench, 99), 3),
        "ratio_litellm": round(rates["sidecar"] / rates["litellm"], 2)
        if "litellm" in rates
        else None,
        "rss_mb": round(rss_mb[-1], 1),
        "rss_mb_at_a_tenth": round(rss_mb[0], 1),
        "streams_held": held.answered,
        "streams_per_s": round(rates["sidecar"]),
    }


def _burst(bench: Bench, percentile: int) -> float:
    """What the sidecar adds to first events of a burst, median of the rounds."""
    return statistics.median(added_ms(bench.bursts, "sidecar", "first_ns", percentile))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one round and few streams")
    parser.add_argument("--rounds", type=int, help="alternated rounds (5; quick 1)")
    parser.add_argument("--events", type=int, help="events a paced stream (200; quick 50)")
    parser.add_argument("--requests", type=int, help="streams at saturation (6,000; quick 1,000)")
    parser.add_argument("--many", type=int, help="streams for the memory (100,000; quick 2,000)")
    parser.add_argument("--without-litellm", action="store_true", help="leave that peer out")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("build/peers"),
        help="where peers' environments are kept (build/peers)",
    )
    args = parser.parse_args()
    defaults = {
        "rounds": 1 if args.quick else 5,
        "events": 50 if args.quick else 200,
        "requests": 1_000 if args.quick else 6_000,
        "many": 2_000 if args.quick else 100_000,
    }
    for name, value in defaults.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.cache = args.cache.resolve()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="tachograph-bench-") as name:
        bench = Bench(args, Path(name), console)
        try:
            bench.rounds()
            rss_mb = bench.memory()
            held = bench.held()
            line = report(bench, rss_mb, held, console)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"the client failed: {error.stderr}") from error
        finally:
            bench.stop()
    print(json.dumps(line))


if __name__ == "__main__":
    main()
