"""What the GPU monitor costs: its processor time, and what an engine loses to it, in paired runs.

    python tests/benchmarks/ledger/torch_engine.py --port 8000 &
    python tests/benchmarks/ledger/monitor_cost.py --upstream http://127.0.0.1:8000 --model m

The monitor runs in a process of its own, at its usual rhythm, details included. The same batch is
answered with and without it in turn; the order of each second pair is reversed. Prints one JSON object.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from rich.console import Console
from rich.progress import track
from tests.benchmarks.ledger.client import Spec, StreamClient

from tachograph._internal.gpu.nvml import NvmlSource
from tachograph_sidecar.gpu.monitor import GpuMonitor

_WARM_S = 3.0


class Counted:
    """A `ReadingListener` that only counts."""

    def __init__(self) -> None:
        self.power_count = 0
        self.energy_count = 0

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        self.power_count += 1

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        self.energy_count += 1

    def others(self, at_ns: int, share: float | None) -> None:
        """Not asked about."""

    def lost(self) -> None:
        raise SystemExit("the GPU stopped answering")


def main() -> int:
    """Measure, or be the monitor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--upstream", help="base URL of the engine")
    parser.add_argument("--model", help="its name at the engine")
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32, help="requests at once")
    parser.add_argument("--tokens", type=int, default=400, help="tokens each of them makes")
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.watch:
        return watch()
    client = StreamClient(arguments.upstream, arguments.model, seed=3)
    client.learn_words()
    batch = [Spec(256, arguments.tokens)] * arguments.batch
    client.send_together(batch, 0)
    slower: list[float] = []
    reports: list[dict[str, float]] = []
    for pair in track(range(arguments.pairs), "pairs", console=Console(stderr=True)):
        rates: dict[bool, float] = {}
        for is_watched in (False, True) if pair % 2 == 0 else (True, False):
            rates[is_watched], report = _run(client, batch, is_watched)
            reports += [report] if report else []
        slower.append(rates[True] / rates[False] - 1.0)
    error = statistics.stdev(slower) / math.sqrt(len(slower)) if len(slower) > 1 else None
    figures = {
        "core_share_median": statistics.median(one["core_share"] for one in reports),
        "power_readings_per_s": statistics.median(one["power_per_s"] for one in reports),
        "energy_readings_per_s": statistics.median(one["energy_per_s"] for one in reports),
        "throughput_change_mean": statistics.fmean(slower),
        "throughput_change_standard_error": error,
        "pairs": len(slower),
    }
    print(json.dumps({"bench": "monitor", **figures}))
    return 0


def watch() -> int:
    """Run the monitor until the input ends, then say what it cost."""
    listener = Counted()
    points = 0

    def count(found: Sequence[object]) -> None:
        nonlocal points
        points += len(found)

    monitor = GpuMonitor(NvmlSource(), listener, count)
    monitor.start()
    time.sleep(_WARM_S)
    print("ready", flush=True)
    begun, cpu = time.monotonic(), time.process_time()
    before = listener.power_count, listener.energy_count
    sys.stdin.read()
    wall_s = time.monotonic() - begun
    report = {
        "core_share": (time.process_time() - cpu) / wall_s,
        "power_per_s": (listener.power_count - before[0]) / wall_s,
        "energy_per_s": (listener.energy_count - before[1]) / wall_s,
        "points_per_s": points / wall_s,
    }
    monitor.stop()
    print(json.dumps(report))
    return 0


def _run(
    client: StreamClient, batch: Sequence[Spec], is_watched: bool
) -> tuple[float, dict[str, float]]:
    """Events a second of the whole batch, and what the monitor said of itself."""
    child = None
    if is_watched:
        command = [sys.executable, __file__, "--watch"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if child.stdout is None or child.stdout.readline() != "ready\n":
            raise SystemExit("the monitor did not start: see above")
    records = client.send_together(batch, 0)
    # from when the last one has begun to when the first one ends: the batch is whole
    start_ns = max(one.events_ns[0] for one in records)
    stop_ns = min(one.events_ns[-1] for one in records)
    events = sum(start_ns < at <= stop_ns for one in records for at in one.events_ns)
    rate = events / ((stop_ns - start_ns) / 1e9)
    if child is None:
        return rate, {}
    said, _ = child.communicate()
    return rate, json.loads(said)


if __name__ == "__main__":
    raise SystemExit(main())
