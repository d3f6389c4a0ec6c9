"""The whole run: sections, tables, and the last line."""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress
from tests.benchmarks.sdk.callers import BARE, CONTESTANTS, OURS, Figures, measure, ratio
from tests.benchmarks.sdk.faults import measure_faults
from tests.benchmarks.sdk.imports import ImportTime, import_ms
from tests.benchmarks.sdk.million import memory_with_the_collector_down
from tests.benchmarks.sdk.processes import ROOT, ReceiverProcess
from tests.benchmarks.sdk.report import (
    callers_table,
    faults_table,
    imports_table,
    losses_table,
    memory_lines,
)

_LANGFUSE: Final = "langfuse"


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ours and bare OpenTelemetry only")
    parser.add_argument("--million", action="store_true", help="only memory over a million calls")
    parser.add_argument("--rounds", type=int, help="rounds of each contestant")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "build" / "sdk-peers", help="environments of the peers"
    )
    return parser.parse_args(arguments)


def last_line(found: dict[str, Figures], imports: dict[str, ImportTime]) -> dict[str, Any]:
    """The figures of the run, None where the contestant was not in it."""
    ours, bare = found[OURS], found[BARE]
    langfuse = found.get(_LANGFUSE)
    phases = (ours.back_to_back, ours.paced)
    medians = ours.back_to_back.medians_us()
    return {
        "bench": "sdk",
        "p50_us": round(ours.back_to_back.quantile_us(0.5), 1),
        "p99_us": round(ours.back_to_back.quantile_us(0.99), 1),
        "p50_us_paced": round(ours.paced.quantile_us(0.5), 1),
        "p999_us_paced": round(ours.paced.quantile_us(0.999), 1),
        "p999_us_paced_cpu": round(ours.paced.cpu_quantile_us(0.999), 1),
        "ratio_otel_p50": round(ratio(medians, bare.back_to_back.medians_us()), 3),
        "ratio_otel_p50_paced": round(ratio(ours.paced.medians_us(), bare.paced.medians_us()), 3),
        "ratio_langfuse_p50": None
        if langfuse is None
        else round(ratio(medians, langfuse.back_to_back.medians_us()), 3),
        "sent": sum(phase.sent for phase in phases),
        "delivered": sum(phase.delivered for phase in phases),
        "dropped_counted": sum(phase.dropped_counted or 0 for phase in phases),
        "delivered_share_paced": round(ours.paced.delivered / ours.paced.sent, 5),
        "cpu_ratio_otel": round(
            max(
                ratio(ours.paced.cpu_us(), bare.paced.cpu_us()),
                ratio(ours.back_to_back.cpu_us(), bare.back_to_back.cpu_us()),
            ),
            3,
        ),
        "import_ms_over_otel": round(imports[OURS].cpu_ms - imports[BARE].cpu_ms, 1),
        "import_wall_ms_over_otel": round(imports[OURS].wall_ms - imports[BARE].wall_ms, 1),
    }


def main(arguments: list[str] | None = None) -> None:
    """Run, print, end with the JSON line."""
    options = parsed(arguments)
    console = Console(width=118)
    contestants = CONTESTANTS[:2] if options.quick else CONTESTANTS
    with Progress(console=console, transient=True) as progress:
        if options.million:
            memory = memory_with_the_collector_down(1_000_000, progress)
            console.print(memory_lines(memory))
            print(json.dumps({"bench": "sdk", "memory_growth_mb": round(memory.growth_mb, 1)}))
            return
        with ReceiverProcess() as receiver:
            found = measure(
                contestants,
                receiver,
                rounds=options.rounds or (3 if options.quick else 5),
                back_to_back_calls=5_000,
                paced_calls=1_600 if options.quick else 2_000,
                cache=options.cache,
                progress=progress,
            )
            faults = measure_faults(
                receiver, rounds=4 if options.quick else 7, requests=300, progress=progress
            )
        imports = import_ms(
            contestants, times=5 if options.quick else 9, cache=options.cache, progress=progress
        )
        memory = memory_with_the_collector_down(100_000 if options.quick else 1_000_000, progress)
    console.print(callers_table(found), losses_table(found), faults_table(faults))
    console.print(imports_table(imports), memory_lines(memory))
    console.print(
        f"Load average of the machine over the last 15 minutes: {os.getloadavg()[2]:.1f} on "
        f"{os.cpu_count()} processors"
    )
    result = last_line(found, imports)
    result["memory_growth_mb"] = round(memory.growth_mb, 1)
    result["is_balanced"] = (
        found[OURS].back_to_back.is_balanced
        and found[OURS].paced.is_balanced
        and all(condition.is_balanced for condition in faults.values())
        and memory.sent == memory.dropped + memory.waiting
    )
    print(json.dumps(result))
