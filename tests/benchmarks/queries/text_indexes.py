"""What each way to index texts costs and answers: the figures behind the choice.

    python -m tests.benchmarks.queries.text_indexes --rows 100000

A store of its own for each way, in a temporary directory, with the same distinct texts. Prints a
table and, as the last line, one JSON object. CPU is the engine's, in microseconds a span; searches
are the median of seven words that no earlier question had, over all days.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from tests.benchmarks.queries.dataset import OwnStore
from tests.benchmarks.queries.generate import fill_spans
from tests.benchmarks.queries.texts import word

from tachograph_store.client import Store, connect

_LOWER = "lower(concat(ifNull(prompt, ''), ' ', ifNull(completion, '')))"
_COUNT = "SELECT count() AS found FROM spans WHERE project = 'main' AND is_counted AND "
_TOKEN = _COUNT + f"hasToken({_LOWER}, {{word:String}})"
_ALL_TOKENS = _COUNT + "hasAllTokens(searched, {word:String})"
_PART = _COUNT + f"position({_LOWER}, {{word:String}}) > 0"
_TEXT = "text(tokenizer = 'splitByNonAlpha', posting_list_codec = 'bitpacking')"
WAYS = {
    "none": ("", _TOKEN),
    "tokenbf_v1, 64 kB a granule": (f"{_LOWER} TYPE tokenbf_v1(65536, 3, 0)", _TOKEN),
    "ngrambf_v1(4), 256 kB a granule": (f"{_LOWER} TYPE ngrambf_v1(4, 262144, 2, 0)", _PART),
    "text, built by the insert": (f"searched TYPE {_TEXT}", _ALL_TOKENS),
    "text, built by the first merge": (f"searched TYPE {_TEXT}", _ALL_TOKENS),
}
BUILT_BY_MERGE = "text, built by the first merge"
_RUNS = 7


def measure(way: str, rows: int, until: datetime) -> dict[str, float]:
    """One way's figures."""
    index, question = WAYS[way]
    # The name decides: writers' settings leave out `searched_index`.
    name = "searched_index" if way == BUILT_BY_MERGE else "tried_index"
    with tempfile.TemporaryDirectory() as folder:
        own = OwnStore(Path(folder))
        own.start()
        try:
            with connect(own.settings, "migrator") as store:
                store.command("ALTER TABLE spans DROP INDEX searched_index")
                if index:
                    store.command(f"ALTER TABLE spans ADD INDEX {name} {index}")
            engine = psutil.Process(own.pid)
            with connect(own.settings, "writer") as store:
                # the last tenth: all of one day
                fill = partial(fill_spans, store, 10 * rows, until, 9 * rows)
                inserted = _cpu_us(engine, fill) / rows
            with connect(own.settings, "migrator") as store:
                merge = "OPTIMIZE TABLE spans FINAL"
                merged = _cpu_us(engine, lambda: store.command(merge)) / rows
            with connect(own.settings) as store:
                middle = _median_ms(store, question, [word(6, n * 100) for n in range(_RUNS)])
                rare = _median_ms(store, question, [word(9, n * 7_000) for n in range(_RUNS)])
                taken = store.query(
                    "SELECT sum(bytes_on_disk) / sum(rows) AS bytes FROM system.parts "
                    "WHERE table = 'spans' AND active"
                )[0]["bytes"]
        finally:
            own.stop()
    return {
        "insert_cpu_us": round(inserted, 1),
        "merge_cpu_us": round(merged, 1),
        "bytes_a_span": round(float(taken), 1),
        "word_of_one_text_in_40_ms": middle,
        "word_of_one_text_in_2000_ms": rare,
    }


def _cpu_us(engine: psutil.Process, work: Callable[[], None]) -> float:
    before = sum(engine.cpu_times()[:2])
    work()
    return float(sum(engine.cpu_times()[:2]) - before) * 1e6


def _median_ms(store: Store, sql: str, words: list[str]) -> float:
    times: list[float] = []
    for sought in words:
        began = time.perf_counter()
        store.query(sql, {"word": sought})
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e3, 1)


def main() -> None:
    """Measure every way and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    found = {way: measure(way, arguments.rows, until) for way in WAYS}
    table = Table("index", *(name.replace("_", " ") for name in next(iter(found.values()))))
    for way, figures in found.items():
        table.add_row(way, *(f"{value:,}" for value in figures.values()))
    Console(width=140).print(table)
    print(json.dumps({"bench": "text_indexes", "rows": arguments.rows, "ways": found}))


if __name__ == "__main__":
    main()
