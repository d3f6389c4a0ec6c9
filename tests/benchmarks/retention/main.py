"""What it takes to change a retention, to forget a user, and to take a project out and in again.

    python tests/benchmarks/retention/main.py --spans 100000 --days 60

Starts a store of its own in a temporary directory and fills it with spans of 1,000 users. Prints a
table and, as the last line, one JSON object; seconds are of one run.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.fixtures.store_process import running_store

from tachograph_store.client import Store, connect
from tachograph_store.mutations import mutate
from tachograph_store.retention import Retention
from tachograph_store.retention_rewrite import rewrite_expiry

PROJECT = "bench"
FILL = """
INSERT INTO spans (project, trace_id, span_id, start_time, duration_ns, name, service_name, user,
    observer, kind, operation, prompt, completion, content_hash, version, stored_at, expires_on, content_expires_on)
SELECT {project:String}, lower(hex(sipHash128(intDiv(number, 3)))), substring(lower(hex(sipHash128(number, 7))), 1, 16),
    toDateTime64(now(), 9, 'UTC') - toIntervalSecond(intDiv(intDiv(number, 3) * 3 * {days:UInt32} * 86400, {spans:UInt64})),
    1000, 'chat', 'bench', toString(intDiv(number, 3) % 1000), 'client', 'CLIENT', 'chat',
    arrayStringConcat(arrayMap(i -> lower(hex(sipHash64(number, i))), range(60)), ' '),
    arrayStringConcat(arrayMap(i -> lower(hex(sipHash64(number, i, 1))), range(40)), ' '),
    number, 1, now64(6), toDate(now()) + 90, toDate(now()) + 30
FROM numbers({from:UInt64}, {count:UInt64})
"""
CHUNK = 50_000
PARTITIONS = 3


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=60, help="and so many partitions")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tachograph-bench-") as directory:
        home = Path(directory)
        with running_store(home) as settings, connect(settings, "writer") as store:
            figures = _measure(store, home, args.spans, args.days)
    table = Table("what", "figure")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,}")
    Console().print(table)
    print(json.dumps({"bench": "retention", **figures}))
    return 0


def _measure(store: Store, home: Path, spans: int, days: int) -> dict[str, float]:
    for begin in range(0, spans, CHUNK):
        count = min(CHUNK, spans - begin)
        values = {"project": PROJECT, "days": days, "spans": spans, "from": begin, "count": count}
        store.command(FILL, values)
    parts = store.query(
        "SELECT count() AS parts, sum(bytes_on_disk) AS bytes FROM system.parts "
        "WHERE table = 'spans' AND active"
    )[0]
    figures: dict[str, float] = {"spans": spans, "parts": parts["parts"], "bytes": parts["bytes"]}
    out = home / "out"
    figures["export_s"], _ = _command(home, "export", "--project", PROJECT, "--out", out)
    figures["export_bytes"] = sum(path.stat().st_size for path in out.iterdir())
    figures["import_s"], figures["import_rss_mb"] = _command(
        home, "import", out, "--project", "other"
    )
    keep = Retention(spans_days=80, content_days=70, readings_days=30, rollups_days=400)
    figures["rewrite_s"] = _timed(lambda: list(rewrite_expiry(store, PROJECT, keep)))
    figures["rewrite_a_partition_s"] = round(_timed(lambda: _by_partition(store)) / PARTITIONS, 2)
    figures["forget_s"], _ = _command(home, "forget", "--project", PROJECT, "--user", "7", "--yes")
    left = store.query(
        "SELECT count() AS rows FROM spans WHERE project = {project:String} AND user = '7'",
        {"project": PROJECT},
    )
    assert left == [{"rows": 0}]
    return figures


def _by_partition(store: Store) -> None:
    """The way that was not taken: a mutation for each partition."""
    ids = store.query(
        "SELECT DISTINCT _partition_id AS id FROM spans WHERE project = {project:String} ORDER BY id",
        {"project": PROJECT},
    )
    for row in ids[:PARTITIONS]:
        where = f"IN PARTITION ID '{row['id']}' WHERE project = {{project:String}}"
        assignment = "UPDATE expires_on = toDate(start_time) + 81"
        list(mutate(store, "spans", f"{assignment} {where}", {"project": PROJECT}))


def _timed(work: Any) -> float:
    begin = time.monotonic()
    work()
    return round(time.monotonic() - begin, 2)


def _command(home: Path, *arguments: object) -> tuple[float, float]:
    """Seconds of a command, and the most memory of any command so far."""
    begin = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "tachograph_cli", *map(str, arguments)],
        env={**os.environ, "TACHOGRAPH_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return round(time.monotonic() - begin, 2), peak_mb


if __name__ == "__main__":
    sys.exit(main())
