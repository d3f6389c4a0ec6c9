"""`tachograph calibrate`: measure what a model's work costs on this machine's GPUs."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tachograph._internal.gpu.source import GpuSource
    from tachograph_sidecar.calibration.fit import Fit
    from tachograph_sidecar.calibration.loads import Plan

HELP = "measure what prompt and output tokens of a model cost on this GPU, for the GPU ledger"

EXAMPLES = """examples:
  tachograph calibrate --upstream http://127.0.0.1:8000 --model qwen3-8b --out qwen3-8b.json
  tachograph calibrate --model m --out m.json --prefill 512,4096 --batches 1,8,32 --repeats 3
  tachograph sidecar --calibration qwen3-8b.json
                                         joules are split by the measured weights from then on

The engine must be loaded and otherwise idle, and nobody else on its GPUs. A key that the engine wants
is read from OPENAI_API_KEY. The defaults take about two minutes.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--upstream", default="http://127.0.0.1:8080", metavar="URL", help="base URL of the engine"
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="its name at the engine")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where the calibration is written"
    )
    parser.add_argument(
        "--prefill", type=_sizes, metavar="N,N", help="prompt lengths, tokens (512,2048,8192)"
    )
    parser.add_argument(
        "--batches", type=_sizes, metavar="N,N", help="requests that decode at once (1,4,16)"
    )
    parser.add_argument(
        "--contexts",
        type=_sizes,
        metavar="N,N",
        help="prompt lengths before which the largest batch decodes (2048,8192)",
    )
    parser.add_argument(
        "--decode-tokens", type=_size, metavar="N", help="output tokens a request (128)"
    )
    parser.add_argument("--load-s", type=float, metavar="S", help="seconds a load, at least (4)")
    parser.add_argument("--idle-s", type=float, metavar="S", help="seconds of idle power (8)")
    parser.add_argument("--repeats", type=_size, metavar="N", help="runs of all loads (2)")


def run(args: argparse.Namespace) -> int:
    """0 when a calibration was written; 1 when nothing could be measured, said with a remedy."""
    from tachograph._internal.gpu.nvml import NvmlSource

    return calibrate(args, NvmlSource())


def calibrate(args: argparse.Namespace, source: "GpuSource") -> int:
    """The command with the GPUs of `source`."""
    from tachograph._internal.gpu.source import GpuUnavailable
    from tachograph_sidecar.calibration.engine import EngineProblem
    from tachograph_sidecar.calibration.fit import NothingToFit

    try:
        return _measure(args, source)
    except GpuUnavailable as error:
        problem = f"no GPU to calibrate: {error}. `tachograph doctor` says what is in the way"
    except (EngineProblem, NothingToFit) as error:
        problem = str(error)
    except OSError as error:
        problem = f"{args.out} cannot be written: {error.strerror}; give another --out"
    except ValueError as error:
        problem = str(error)
    print(f"tachograph calibrate: {problem}", file=sys.stderr)
    return 1


def _measure(args: argparse.Namespace, source: "GpuSource") -> int:
    import random
    import time

    from rich.console import Console
    from rich.progress import Progress

    from tachograph.version import __version__
    from tachograph_sidecar.calibration.engine import EngineClient, EngineProblem
    from tachograph_sidecar.calibration.file import Calibration, write_calibration
    from tachograph_sidecar.calibration.fit import fit_weights
    from tachograph_sidecar.calibration.loads import measure_idle, run_plan
    from tachograph_sidecar.calibration.meter import EnergyReader, identities
    from tachograph_sidecar.proxy.pool import parse_upstream

    if not args.out.parent.is_dir():
        raise ValueError(f"{args.out.parent} is no folder; give another --out")
    plan = _plan(args)
    devices = [device.identity for device in identities(source)]
    engine = EngineClient(
        parse_upstream(args.upstream),
        args.model,
        os.environ.get("OPENAI_API_KEY") or None,
        random.Random(time.time_ns()),
    )
    engine.learn_words()
    reader = EnergyReader(source)
    try:
        if not reader.start():
            raise EngineProblem("no device tells its energy or power: see `tachograph doctor`")
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("idle power", total=plan.load_count)
            time.sleep(min(2.0, plan.idle_s))  # the clocks go down after the first requests
            idle_w = measure_idle(reader, plan.idle_s)
            loads = run_plan(
                plan,
                engine,
                reader,
                idle_w,
                lambda load: progress.update(bar, advance=1, description=load.name),
            )
    finally:
        reader.stop()
    fit = fit_weights(loads, idle_w)
    write_calibration(
        args.out,
        Calibration(
            model=args.model,
            devices=devices,
            idle_w=idle_w,
            weights=fit.weights,
            loads=loads,
            measured_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            tachograph_version=__version__,
        ),
    )
    _report(fit, idle_w, args.out)
    return 0


def _report(fit: "Fit", idle_w: float, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    weights, console = fit.weights, Console()
    table = Table("work", "millijoules", title=f"idle power {idle_w:.1f} W")
    for name, value in (
        ("a prompt token computed", weights.prefill_token),
        ("a step of the whole batch", weights.step),
        ("an output token beside its step", weights.decode_token),
        ("a context token read by an output token", weights.kv_token),
    ):
        table.add_row(name, f"{value * 1e3:.4g}")
    console.print(table)
    checked = Table("load", "measured J", "predicted J", "error", title="kinds left out of the fit")
    for load, predicted in fit.predictions:
        error = (predicted - load.energy_j) / load.energy_j
        checked.add_row(load.name, f"{load.energy_j:.1f}", f"{predicted:.1f}", f"{error:+.1%}")
    console.print(checked)
    if weights.relative_error is not None:
        console.print(f"relative error {weights.relative_error:.1%} (root mean square)")
    console.print(f"written to {out}: tachograph sidecar --calibration {out}")


def _plan(args: argparse.Namespace) -> "Plan":
    from tachograph_sidecar.calibration.loads import Plan

    given = {
        "prefill_lengths": args.prefill,
        "batch_sizes": args.batches,
        "context_lengths": args.contexts,
        "decode_tokens": args.decode_tokens,
        "load_s": args.load_s,
        "idle_s": args.idle_s,
        "repeats": args.repeats,
    }
    return Plan(**{name: value for name, value in given.items() if value is not None})


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(_size(part.strip()) for part in text.split(","))


def main() -> int:
    """Entry of `python -m tachograph_sidecar.calibration.command`."""
    parser = argparse.ArgumentParser(prog="tachograph calibrate", description=HELP)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
