"""Every question of every page, at 1 and 10 million spans: answers checked, warm and cold.

    python tests/benchmarks/queries/bench_queries.py --rows 1000000,10000000
    python tests/benchmarks/queries/bench_queries.py --quick
    python tests/benchmarks/queries/bench_queries.py --rows 10000000 --only "30 days" --no-cold

The data set is generated once under `--data` and used again. Warm is the median of `--repeat` calls
of the function that the page calls, its answer having been asked before; the engine's cache of
conditions is on, as in service. Cold is the first call after the store was started again with its
files dropped from the kernel's page cache (`posix_fadvise`): one start for each question.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.benchmarks.queries.dataset import Dataset, OwnStore, bytes_a_span, prepared, zstd_ratio
from tests.benchmarks.queries.questions import QUESTIONS, Frame, Question, old_trace_id

from tachograph_store.client import connect

QUICK_ROWS = 200_000
_MS = 1e3


@dataclass(slots=True)
class Timing:
    """One question's milliseconds."""

    question: Question
    warm_ms: float = 0.0
    cold_ms: float = math.nan
    is_right: bool = False


def measure_warm(
    own: OwnStore, data: Dataset, repeat: int, questions: Sequence[Question] = QUESTIONS
) -> list[Timing]:
    """Median times, and whether each answer agrees with its oracle."""
    timings: list[Timing] = []
    with connect(own.settings) as store:
        frame = Frame(store, data.until, old_trace_id(store, data.until))
        for question in track(questions, description="warm"):
            answer = question.ask(frame)
            times = [_ms(question, frame) for _ in range(repeat)]
            told, expected = question.told(answer), question.oracle(frame)
            is_right = bool(expected == told)
            if not is_right:
                print(f"{question.name}: answered {told!r:.600}, expected {expected!r:.600}")
            timings.append(Timing(question, statistics.median(times), is_right=is_right))
    return timings


def measure_cold(own: OwnStore, data: Dataset, timings: Sequence[Timing]) -> None:
    """The first time after a start, each question after a start of its own."""
    with connect(own.settings) as store:
        trace_id = old_trace_id(store, data.until)
    for timing in track(timings, description="cold"):
        own.restart_cold()
        with connect(own.settings) as store:
            store.query("SELECT 1")  # a page's connection stands already
            timing.cold_ms = _ms(timing.question, Frame(store, data.until, trace_id))


def _ms(question: Question, frame: Frame) -> float:
    began = time.perf_counter()
    question.ask(frame)
    return (time.perf_counter() - began) * _MS


def report(rows: int, timings: Sequence[Timing]) -> dict[str, object]:
    """Print the table; the figures of the last line."""
    table = Table("page", "question", "kind", "warm ms", "cold ms", "right")
    for one in timings:
        question = one.question
        table.add_row(
            question.page,
            question.name,
            question.kind,
            f"{one.warm_ms:,.0f}",
            "–" if math.isnan(one.cold_ms) else f"{one.cold_ms:,.0f}",
            "yes" if one.is_right else "NO",
        )
    Console(width=120).print(table)
    indexed = [t.warm_ms for t in timings if t.question.kind in ("list", "rollup")]
    searches = [t.warm_ms for t in timings if t.question.kind == "search"]
    return {
        "bench": "queries",
        "rows": rows,
        "questions": len(timings),
        "wrong": sum(not t.is_right for t in timings),
        "worst_warm_ms": _worst([t.warm_ms for t in timings]),
        "worst_indexed_warm_ms": _worst(indexed),
        "worst_cold_ms": _worst([t.cold_ms for t in timings if not math.isnan(t.cold_ms)]),
        "fulltext_ms": _worst(searches),
    }


def _worst(times: Sequence[float]) -> float | None:
    """None where nothing of the kind was asked."""
    return round(max(times), 1) if times else None


def main() -> None:
    """Generate what is missing, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1000000,10000000", help="spans, several by comma")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} spans, few repeats")
    parser.add_argument("--data", type=Path, default=Path("/tmp/queries_data"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", default="", help="a part of the page or name of the questions")
    parser.add_argument("--no-cold", action="store_true", help="warm figures alone")
    arguments = parser.parse_args()
    questions = [q for q in QUESTIONS if arguments.only in f"{q.page}: {q.name}"]
    if not questions:
        raise SystemExit(f"--only {arguments.only!r}: no question's page or name has it")
    sizes = [QUICK_ROWS] if arguments.quick else [int(rows) for rows in arguments.rows.split(",")]
    lines: list[dict[str, object]] = []
    for rows in sizes:
        with prepared(arguments.data, rows) as (own, data):
            with connect(own.settings) as store:
                plain, index = bytes_a_span(store)
                print(
                    f"{rows:,} spans, generated in {data.generated_in_s:,.0f} s; texts zstd-3 "
                    f"{zstd_ratio(store)}; bytes a span {plain}, search index {index}"
                )
            timings = measure_warm(own, data, arguments.repeat, questions)
            if not arguments.no_cold:
                measure_cold(own, data, timings)
        lines.append(report(rows, timings))
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
