"""Records on a real GPU what `make bench-ledger` replays.

    python tests/benchmarks/ledger/torch_engine.py --port 8000 &           # or any engine
    python tests/benchmarks/ledger/record_ledger.py --upstream http://127.0.0.1:8000 --model m \\
        --out tests/benchmarks/ledger/recordings/h100.jsonl.gz

The engine must have the GPU to itself. First the calibration (as `tachograph calibrate` does it), then
mixed traffic, some of its requests alone, pairs of batches with and without one request (half of them
in reversed order), and twins. About 20 minutes; `--quick` is for trying it out.
"""

import argparse
import hashlib
import json
import platform
import random
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from tests.benchmarks.ledger.client import StreamClient
from tests.benchmarks.ledger.experiments import QUICK, Sizes, read_trace, run_all
from tests.benchmarks.ledger.recording import Recording, read_recording

from tachograph._internal.gpu.nvml import NvmlSource
from tachograph._internal.gpu.source import GpuSource, GpuUnavailable
from tachograph.version import __version__
from tachograph_sidecar.calibration.engine import EngineClient, EngineProblem
from tachograph_sidecar.calibration.fit import NothingToFit, fit_weights
from tachograph_sidecar.calibration.loads import Plan, measure_idle, run_plan
from tachograph_sidecar.calibration.meter import EnergyReader
from tachograph_sidecar.gpu.monitor import GpuMonitor, MonitorOptions
from tachograph_sidecar.ledger.weights import EnergyWeights
from tachograph_sidecar.proxy.pool import parse_upstream

_PLAN = Plan((512, 2_048, 4_096), (1, 8, 32), (1_024, 4_096), load_s=3.0)
_QUICK_PLAN = Plan((200, 800), (1, 4), (400, 1_000), 20, load_s=0.1, repeats=1, idle_s=0.3)
_READY_S = 10.0
_SHORT_PAUSE_S = 0.6


class Keeper:
    """A `ReadingListener` that keeps every reading as it came."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.is_lost = False

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        self._recording.power.append((at_ns, list(watts)))

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        self._recording.energy.append((at_ns, device, joules))

    def others(self, at_ns: int, share: float | None) -> None:
        """The engine has the GPU to itself."""

    def lost(self) -> None:
        self.is_lost = True


def main() -> int:
    """Record on this machine's GPUs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--upstream", required=True, help="base URL of the engine")
    parser.add_argument("--model", required=True, help="its name at the engine")
    parser.add_argument("--out", type=Path, required=True, help="FILE.jsonl.gz")
    parser.add_argument("--trace", type=Path, help="CSV of the Azure LLM inference trace")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pairs", type=int, help="pairs with and without one request (20)")
    parser.add_argument("--turns", type=int, help="measurements of each side of a pair (2)")
    parser.add_argument("--only-pairs", action="store_true", help="no mixed traffic and no twins")
    parser.add_argument(
        "--calibration", type=Path, help="take the weights of an earlier recording of this engine"
    )
    parser.add_argument("--quick", action="store_true", help="a look, no measurement")
    arguments = parser.parse_args()
    try:
        return record(NvmlSource(), arguments)
    except GpuUnavailable as error:
        problem = f"no GPU to record: {error}"
    except (EngineProblem, NothingToFit, ValueError) as error:
        problem = str(error)
    print(f"record: {problem}", file=sys.stderr)
    return 1


def record(source: GpuSource, arguments: argparse.Namespace) -> int:
    """Everything, with the GPUs of `source`. Raises what its parts raise."""
    devices = [asdict(device.identity) for device in source.open()]
    source.close()
    sizes = QUICK if arguments.quick else Sizes()
    if arguments.pairs is not None:
        sizes = replace(sizes, pairs=arguments.pairs)
    if arguments.turns is not None:
        sizes = replace(sizes, pair_turns=arguments.turns)
    if arguments.only_pairs:
        sizes = replace(sizes, pause_s=_SHORT_PAUSE_S)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    trace = read_trace(arguments.trace, sizes) if arguments.trace else None
    recording = Recording(_header(arguments, devices, sizes))
    if arguments.calibration is None:
        recording.weights = _calibrated(source, arguments)
    else:
        recording.weights = read_recording(arguments.calibration).weights
    client = StreamClient(arguments.upstream, arguments.model, arguments.seed)
    client.learn_words()
    keeper = Keeper(recording)
    options = MonitorOptions(energy_interval_s=0.1)
    monitor = GpuMonitor(source, keeper, lambda _: None, options)
    monitor.start()
    try:
        _wait_for_readings(recording)
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("idle", total=sizes.load_count)
            run_all(
                sizes,
                client,
                recording,
                random.Random(arguments.seed),
                lambda kind: progress.update(bar, advance=1, description=kind),
                trace,
                only_pairs=arguments.only_pairs,
            )
        time.sleep(max(2.0, sizes.pause_s))  # what is settled a second later needs readings too
        if keeper.is_lost:
            raise ValueError("the GPU stopped answering in the middle: nothing was written")
    finally:
        monitor.stop()
    recording.write(arguments.out)
    print(
        f"{len(recording.requests)} requests in {len(recording.experiments)} loads, "
        f"{len(recording.power)} power and {len(recording.energy)} counter readings in "
        f"{arguments.out}: make bench-ledger ARGS={arguments.out}"
    )
    return 0


def _calibrated(source: GpuSource, arguments: argparse.Namespace) -> EnergyWeights:
    plan = _QUICK_PLAN if arguments.quick else _PLAN
    draw = random.Random(arguments.seed)
    engine = EngineClient(parse_upstream(arguments.upstream), arguments.model, None, draw)
    engine.learn_words()
    reader = EnergyReader(source)
    try:
        if not reader.start():
            raise EngineProblem("no device tells its energy: see tachograph doctor")
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("calibration", total=plan.load_count)
            time.sleep(plan.idle_s / 2)
            idle_w = measure_idle(reader, plan.idle_s)
            loads = run_plan(
                plan, engine, reader, idle_w, lambda load: progress.update(bar, advance=1)
            )
    finally:
        reader.stop()
    return fit_weights(loads, idle_w).weights


def _wait_for_readings(recording: Recording) -> None:
    deadline = time.monotonic() + _READY_S
    pause = threading.Event()
    while not (recording.power and recording.energy):
        if time.monotonic() > deadline:
            raise ValueError("no reading of power and energy came within ten seconds")
        pause.wait(0.02)


def _header(
    arguments: argparse.Namespace, devices: list[dict[str, object]], sizes: Sizes
) -> dict[str, object]:
    scripts = sorted(Path(__file__).parent.glob("*.py"))
    return {
        "format": 1,
        "recorded_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "devices": devices,
        "model": arguments.model,
        "trace": None if arguments.trace is None else arguments.trace.name,
        "seed": arguments.seed,
        "sizes": asdict(sizes),
        "is_quick": arguments.quick,
        "is_calibrated_before": arguments.calibration is not None,
        "scripts_sha256": {
            script.name: hashlib.sha256(script.read_bytes()).hexdigest() for script in scripts
        },
        "tachograph_version": __version__,
        "python": platform.python_version(),
        "engine": json.dumps({"upstream": arguments.upstream}),
    }


if __name__ == "__main__":
    raise SystemExit(main())
