"""Ways of rows into the engine: its CPU and ours, for the same rows.

    python -m tests.benchmarks.journal.ways --rows 20000

Each way has a store of its own, the search index among its columns, and inserts all rows in inserts
of the number named; merges are waited for. With few rows it may be that a way's parts are too few to be
merged at all: its figure is then too good. The last line is JSON: microseconds of CPU a row.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import orjson
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.progress import track
from tests.benchmarks.ingest.spans import Stream
from tests.benchmarks.journal.columns import SPAN_TYPES, block_of, plain, sliced
from tests.fixtures.store_process import running_store

from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.row import span_columns
from tachograph_collector.translate.spans import SpanTranslator
from tachograph_store.client import Store, connect
from tachograph_store.columns import Columns
from tachograph_store.settings import StoreSettings

_BODY_ROWS = 100
_QUIET_S = 3.0
Insert = Callable[[Store, Columns, int], None]


def _raw(store: Store, data: bytes, data_format: str) -> None:
    store._call(lambda client: client.raw_insert("spans", list(SPAN_TYPES), data, fmt=data_format))


def _native(types: Any, block_rows: int) -> Insert:
    def insert(store: Store, columns: Columns, rows: int) -> None:
        blocks = [
            block_of(sliced(columns, begin, begin + block_rows), types)
            for begin in range(0, rows, block_rows)
        ]
        _raw(store, b"".join(blocks), "Native")

    return insert


def _json(store: Store, columns: Columns, rows: int) -> None:
    names = list(SPAN_TYPES)
    seconds = [f"{time // 10**9}.{time % 10**9:09d}" for time in columns["start_time"]]
    columns = {**columns, "start_time": seconds}  # a number would be one of seconds
    lines = [
        orjson.dumps(dict(zip(names, values, strict=True)), default=str)
        for values in zip(*(columns[name] for name in names), strict=True)
    ]
    _raw(store, b"\n".join(lines), "JSONEachRow")


WAYS: dict[str, tuple[int, Insert]] = {
    "Native, inserts of 2,500": (2_500, _native(SPAN_TYPES, 2_500)),
    "Native, inserts of 5,000": (5_000, _native(SPAN_TYPES, 5_000)),
    "Native, inserts of 10,000": (10_000, _native(SPAN_TYPES, 10_000)),
    "Native, inserts of 20,000": (20_000, _native(SPAN_TYPES, 20_000)),
    "the same without dictionaries": (10_000, _native(plain(SPAN_TYPES), 10_000)),
    "10,000 in blocks of a request's 100": (10_000, _native(SPAN_TYPES, _BODY_ROWS)),
    "JSONEachRow, inserts of 10,000": (10_000, _json),
}


def _columns(rows: int) -> Columns:
    limits = Limits.of(CollectorSettings(), StoreSettings())
    translator = SpanTranslator(limits)
    window = Window.around(time.time_ns(), limits.retention_days)
    made: list[list[Any]] = []
    for body in Stream(rows, description="rows").bodies(_BODY_ROWS):
        request = ExportTraceServiceRequest.FromString(body.content)
        made += translator.translate(request, body.content, "p", window, Rejections()).rows
    return span_columns(made)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _store_process() -> psutil.Process:
    (child,) = psutil.Process().children()
    return child


def measure(rows: int, rounds: int, only: str) -> dict[str, dict[str, float]]:
    """Microseconds of CPU a row by way, the engine's and the client's."""
    columns = _columns(rows)
    return {
        name: _measure_one(columns, rows, rounds, insert_rows, insert)
        for name, (insert_rows, insert) in track(WAYS.items(), description="ways")
        if only in name
    }


def _measure_one(
    columns: Columns, rows: int, rounds: int, insert_rows: int, insert: Insert
) -> dict[str, float]:
    """In a store of its own: merges of one way's parts are part of its price, and of no other's."""
    with (
        tempfile.TemporaryDirectory() as home,
        running_store(Path(home)),
        connect(role="writer") as store,
    ):
        engine = _store_process()
        engine_s, client_s = _cpu_s(engine), time.process_time()
        for _ in range(rounds):
            new = {**columns, "trace_id": [token_hex(16) for _ in range(rows)]}
            for begin in range(0, rows, insert_rows):
                part = sliced(new, begin, begin + insert_rows)
                insert(store, part, min(insert_rows, rows - begin))
        client_s = time.process_time() - client_s
        _until_idle(engine)
        engine_s = _cpu_s(engine) - engine_s
    return {
        "engine_us": round(engine_s / (rows * rounds) * 1e6, 1),
        "client_us": round(client_s / (rows * rounds) * 1e6, 1),
    }


def _until_idle(process: psutil.Process) -> None:
    while True:
        before = _cpu_s(process)
        time.sleep(_QUIET_S)
        if _cpu_s(process) - before < 0.05 * _QUIET_S:
            return


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=40_000, help="a multiple of 20,000")
    parser.add_argument("--rounds", type=int, default=5, help="how often they go in, under new ids")
    parser.add_argument("--only", default="", help="ways whose name contains this")
    args = parser.parse_args()
    figures = measure(args.rows, args.rounds, args.only)
    print(f"{'µs of CPU a row':40}{'engine':>9}{'client':>9}")
    for name, figure in figures.items():
        print(f"{name:40}{figure['engine_us']:9.1f}{figure['client_us']:9.1f}")
    print(
        json.dumps({"bench": "ways_in", "rows": args.rows * args.rounds, "cpu_us_per_row": figures})
    )


if __name__ == "__main__":
    main()
