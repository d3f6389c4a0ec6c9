"""What the embedded store does in a second: inserts, look-ups, the questions that pages ask.

    python tests/benchmarks/store/measure.py --spans 1000000

Starts a store of its own in a temporary directory, fills it (30 days, three spans a trace, texts of
2.2 kB compressed well), measures, and prints a table and, as the last line, one JSON object. Times
are milliseconds, median of seven.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tachograph_store.client import Store, connect
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.queries.traces import TraceFilter, list_traces, spans_by_ids, trace_spans
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

DAYS = 30
UNTIL = datetime.now(UTC).replace(microsecond=0)
SINCE = UNTIL - timedelta(days=DAYS)
CHUNK = 100_000
FILL = """
INSERT INTO spans (project, trace_id, span_id, parent_span_id, start_time, duration_ns, name,
    status_code, service_name, observer, is_counted, operation, response_model, input_tokens,
    output_tokens, time_to_first_chunk_s, tenant, user, session, list_cost, prompt, completion,
    content_hash, version, stored_at, expires_on, content_expires_on)
SELECT if(number % 10 = 0, 'other', 'bench'), lower(hex(MD5(toString(intDiv(number, 3))))),
    lower(hex(sipHash64(number))), if(number % 3 = 0, '', lower(hex(sipHash64(number - 1)))),
    fromUnixTimestamp64Nano({since_ns:Int64} + toInt64(number) * {step_ns:Int64}, 'UTC'),
    500000000 + sipHash64(number) % 3000000000, 'chat', if(number % 50 = 0, 'ERROR', 'OK'),
    'shop', if(number % 3 = 1, 'proxy', 'client'), number % 3 = 1, 'chat',
    ['qwen', 'llama'][number % 2 + 1], 100 + number % 900, 50 + number % 300,
    0.1 + (number % 100) / 100, concat('tenant-', toString(number % 20)),
    concat('user-', toString(number % 5000)), concat('session-', toString(intDiv(number, 30))),
    0.001, repeat(lower(hex(MD5(toString(number)))), 40),
    repeat(lower(hex(MD5(toString(number + 1)))), 30), sipHash64(number), number + 1, now64(6),
    toDate('2099-01-01'), toDate('2099-01-01')
FROM numbers({first:UInt64}, {count:UInt64})
"""
PERCENTILES = (
    "SELECT response_model, toStartOfHour(start_time) AS hour, "
    "quantiles(0.5, 0.95, 0.99)(duration_ns) FROM spans {final} "
    "WHERE project = 'bench' AND is_counted GROUP BY response_model, hour"
)


@contextmanager
def own_store() -> Iterator[tuple[StoreSettings, psutil.Process]]:
    """A store of this program's own, gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        settings = StoreSettings(url=f"embedded://{home}/store")
        process = subprocess.Popen(
            [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"],
            env={**os.environ, "TACHOGRAPH_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(settings) as store:
                while not store.ping():
                    if process.poll() is not None:
                        raise SystemExit("the store did not start")
                    time.sleep(0.05)
            yield settings, psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def median_ms(run: Callable[[], object], repeat: int = 7) -> float:
    """Median milliseconds of a call."""
    times: list[float] = []
    for _ in range(repeat):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e3, 1)


def fill(store: Store, spans: int) -> None:
    """Store `spans` spans over 30 days."""
    step_ns = int(DAYS * 86_400e9) // spans
    for first in track(range(0, spans, CHUNK), description="filling"):
        store.command(
            FILL,
            {
                "since_ns": nanoseconds(SINCE),
                "step_ns": step_ns,
                "first": first,
                "count": min(CHUNK, spans - first),
            },
        )


def new_spans(count: int) -> list[SpanRow]:
    """Spans that nobody has stored."""
    return [
        SpanRow(
            project="bench-writes",
            trace_id=os.urandom(16).hex(),
            span_id=os.urandom(8).hex(),
            start_time=time.time_ns(),
            duration_ns=1_000_000_000,
            name="chat",
            prompt=f"word {number} " * 120,
            completion=f"answer {number} " * 80,
            attributes={"a": "b"},
            content_hash=number,
            expires_on=date(2099, 1, 1),
            content_expires_on=date(2099, 1, 1),
        )
        for number in range(count)
    ]


def measure_writes(settings: StoreSettings, engine: psutil.Process) -> dict[str, float]:
    """Milliseconds, rows a second and CPU of the engine by batch size."""
    found: dict[str, float] = {}
    with connect(settings, "writer") as store:
        writer = Writer(store)
        writer.write_spans(new_spans(1))
        for size in (1, 100, 5_000):
            batches = iter([new_spans(size) for _ in range(8)])
            before = sum(engine.cpu_times()[:2])
            took = median_ms(lambda todo=batches: writer.write_spans(next(todo)))  # type: ignore[misc]
            cpu = sum(engine.cpu_times()[:2]) - before
            found[f"write_{size}_ms"] = took
            found[f"write_{size}_engine_cpu_ms"] = round(cpu / 7 * 1e3, 1)
        found["write_5000_rows_per_s"] = round(5_000 / found["write_5000_ms"] * 1e3)
    return found


def measure_reads(settings: StoreSettings) -> dict[str, float]:
    """Milliseconds of the questions that pages ask."""
    with connect(settings) as store:
        wanted = TraceFilter(project="bench", since=SINCE, until=UNTIL)
        narrow = TraceFilter(project="bench", since=SINCE, until=UNTIL, tenant="tenant-3")
        failed = TraceFilter(project="bench", since=SINCE, until=UNTIL, status="ERROR")
        page = list_traces(store, wanted)
        trace_id = page.traces[0].trace_id
        ids = [(row.trace_id, row.span_id) for row in trace_spans(store, "bench", trace_id)]
        return {
            "round_trip_ms": median_ms(lambda: store.query("SELECT 1"), 50),
            "list_ms": median_ms(lambda: list_traces(store, wanted)),
            "list_page_2_ms": median_ms(
                lambda: list_traces(store, wanted, cursor=page.next_cursor)
            ),
            "list_tenant_ms": median_ms(lambda: list_traces(store, narrow)),
            "list_failed_ms": median_ms(lambda: list_traces(store, failed)),
            "trace_ms": median_ms(lambda: trace_spans(store, "bench", trace_id)),
            "spans_by_ids_ms": median_ms(lambda: spans_by_ids(store, "bench", ids)),
            "percentiles_ms": median_ms(lambda: store.query(PERCENTILES.format(final=""))),
            "percentiles_final_ms": median_ms(
                lambda: store.query(PERCENTILES.format(final="FINAL"))
            ),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="measure the embedded store")
    parser.add_argument("--spans", type=int, default=1_000_000, help="spans to read among")
    arguments = parser.parse_args()
    with own_store() as (settings, engine):
        figures: dict[str, float] = {"spans": arguments.spans}
        figures["idle_rss_mb"] = round(engine.memory_info().rss / 1e6)
        with connect(settings, "writer") as store:
            fill(store, arguments.spans)
        figures.update(measure_writes(settings, engine))
        figures.update(measure_reads(settings))
        size = sum(f.stat().st_size for f in Path(settings.directory).rglob("*") if f.is_file())
        figures["disk_mb"] = round(size / 1e6)
        figures["loaded_rss_mb"] = round(engine.memory_info().rss / 1e6)
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
