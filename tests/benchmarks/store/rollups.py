"""What rollups cost at write and save at read.

    python -m tests.benchmarks.store.rollups --spans 1000000

Starts a store of its own, fills it (30 days, a third of the spans counted requests; 20 tenants, two
models), asks the pages' questions of the spans alone, runs the rollup job, asks again, and prints a
table and, as the last line, one JSON object. Times are milliseconds, median of seven; the engine's CPU
is there for machines that are shared.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import timedelta

import psutil
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from tests.benchmarks.store.measure import SINCE, UNTIL, fill, median_ms, own_store

from tachograph_store.client import Store, connect
from tachograph_store.queries.choices import choices
from tachograph_store.queries.cost import cost_by_segment, cost_series
from tachograph_store.queries.overview import overview_series, overview_totals
from tachograph_store.queries.selection import Selection
from tachograph_store.queries.summary import summary_segments
from tachograph_store.rollup import RollupJob

REPEAT = 7
SIZE = (
    "SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
    "WHERE table = 'rollups' AND active"
)


def questions(store: Store) -> dict[str, Callable[[], object]]:
    """What the Overview and Cost pages and the summary ask, over 24 hours and 30 days."""
    day = Selection(project="bench", since=UNTIL - timedelta(days=1), until=UNTIL)
    month = Selection(project="bench", since=SINCE, until=UNTIL)
    tenant = Selection(project="bench", since=SINCE, until=UNTIL, tenant="tenant-3", model="qwen")
    return {
        "totals_24h": lambda: overview_totals(store, day),
        "series_24h": lambda: overview_series(store, day, 900),
        "totals_30d": lambda: overview_totals(store, month),
        "series_30d": lambda: overview_series(store, month, 28_800),
        "totals_30d_tenant_and_model": lambda: overview_totals(store, tenant),
        "summary_30d_by_tenant": lambda: summary_segments(store, month, "tenant", 100),
        "cost_30d_by_tenant_and_model": lambda: cost_by_segment(store, month),
        "cost_series_30d": lambda: cost_series(store, month, 28_800),
        "choices_30d": lambda: choices(store, month),
    }


def ask_all(store: Store, engine: psutil.Process) -> dict[str, tuple[float, float]]:
    """Median milliseconds, and the engine's CPU-milliseconds, of each question."""
    found: dict[str, tuple[float, float]] = {}
    for name, ask in questions(store).items():
        ask()
        before = cpu_s(engine)
        took = median_ms(ask, REPEAT)
        found[name] = (took, round((cpu_s(engine) - before) / REPEAT * 1e3, 1))
    return found


def cpu_s(engine: psutil.Process) -> float:
    """Seconds of CPU that the engine has used."""
    return float(sum(engine.cpu_times()[:2]))


def run_job(store: Store, engine: psutil.Process) -> tuple[float, float]:
    """Seconds, and CPU-seconds of the engine, of bringing all rollups up to date."""
    began, before = time.perf_counter(), cpu_s(engine)
    with Progress() as progress:
        tasks: dict[str, TaskID] = {}
        for step in RollupJob(store, timedelta(0)).steps():
            task = tasks.get(step.project)
            if task is None:
                task = tasks[step.project] = progress.add_task(f"rollups of {step.project}")
            progress.update(task, completed=step.minutes, total=step.total_minutes)
    return time.perf_counter() - began, cpu_s(engine) - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="measure rollups")
    parser.add_argument("--spans", type=int, default=1_000_000, help="spans of 30 days")
    spans = parser.parse_args().spans
    with own_store() as (settings, engine), connect(settings, "writer") as store:
        fill(store, spans)
        raw = ask_all(store, engine)
        job_s, job_cpu_s = run_job(store, engine)
        rolled = ask_all(store, engine)
        idle_s, _ = run_job(store, engine)
        size = store.query(SIZE)[0]
    table = Table("question", "spans, ms", "engine CPU", "rollups, ms", "engine CPU")
    for name, (raw_ms, raw_cpu_ms) in raw.items():
        rolled_ms, rolled_cpu_ms = rolled[name]
        table.add_row(name, *map(str, (raw_ms, raw_cpu_ms, rolled_ms, rolled_cpu_ms)))
    figures = {
        "spans": spans,
        "job_s": round(job_s, 1),
        "job_engine_cpu_us_per_span": round(job_cpu_s / spans * 1e6, 2),
        "idle_job_ms": round(idle_s * 1e3, 1),
        "rollup_rows": size["rows"],
        "rollup_bytes_per_span": round(size["bytes"] / spans, 1),
        **{f"spans_{name}_ms": ms for name, (ms, _) in raw.items()},
        **{f"rollups_{name}_ms": ms for name, (ms, _) in rolled.items()},
        "worst_rollups_ms": max(ms for ms, _ in rolled.values()),
        "worst_rollups_cpu_ms": max(cpu for _, cpu in rolled.values()),
    }
    Console().print(table)
    for name in ("job_s", "job_engine_cpu_us_per_span", "idle_job_ms", "rollup_rows"):
        Console().print(f"{name}: {figures[name]:,}")
    print(json.dumps({"bench": "rollups", **figures}))


if __name__ == "__main__":
    main()
