"""Chaos for judging: kill -9 of worker, broker, everything; each answer is scored once all the same.

    make chaos-eval
    make chaos-eval ARGS="--quick"
    make chaos-eval ARGS="--answers 500 --brokers redis"

A real store, worker and beat, with each broker in turn. Answers are written in parts; in the middle
of them a scoring process, the worker, the broker and everything are killed, and a span arrives that
began two hours ago. In the end every answer must have exactly one score of each name of each evaluator.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from tests.benchmarks.chaos_eval.checks import count, missing_and_duplicate, open_leases
from tests.benchmarks.chaos_eval.stack import BROKERS, EVALUATORS, Stack, running_stack, wait_until

from tachograph_store.client import connect
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

_DEADLINE_S: Final = 1800.0
_LATE_S: Final = 7200
_SCORES_PER_ANSWER: Final = sum(len(names) for names in EVALUATORS.values())
_NEVER: Final = date(2099, 1, 1)


@dataclass(frozen=True, slots=True)
class Result:
    """One broker's run."""

    broker: str
    answers: int
    missing: int
    duplicate: int
    took_s: float
    events: Sequence[tuple[str, int]]  # what was killed, scores stored by then


def main() -> int:
    """0 when nothing is missing and nothing is there twice."""
    arguments = _arguments()
    logging.disable(logging.ERROR)  # of the client: the store is away on purpose
    console = Console()
    answers = 200 if arguments.quick else arguments.answers
    brokers = ("filesystem",) if arguments.quick else arguments.brokers
    results = []
    for broker in brokers:
        with tempfile.TemporaryDirectory(prefix="tachograph-chaos-eval-") as folder:
            os.environ["TACHOGRAPH_HOME"] = folder
            with running_stack(Path(folder), broker) as stack:
                try:
                    results.append(_run(console, stack, broker, answers))
                except TimeoutError:
                    console.print(stack.log_tail(), markup=False)
                    raise
    _print(console, results)
    figures = {
        "bench": "chaos-eval",
        "answers": sum(result.answers for result in results),
        "missing": sum(result.missing for result in results),
        "duplicate": sum(result.duplicate for result in results),
        "brokers": list(brokers),
        "kills": sum(len(result.events) - 1 for result in results),
    }
    print(json.dumps(figures), flush=True)
    return 1 if figures["missing"] or figures["duplicate"] else 0


def _run(console: Console, stack: Stack, broker: str, answers: int) -> Result:
    project = "chaos"
    began_s = time.monotonic()
    late = _span(project, answers, start_s=time.time() - _LATE_S)
    spans = [_span(project, number) for number in range(answers - 1)]
    expected = answers * _SCORES_PER_ANSWER
    happenings = (
        (0.10, "kill -9 of the scoring process", stack.kill_scoring),
        (0.25, "a span of two hours ago", lambda: _write(stack, [late])),
        (0.35, "kill -9 of the worker", stack.kill_worker),
        (0.50, "kill -9 of the broker", stack.kill_broker),
        (0.65, "kill -9 of everything", stack.kill_everything),
        (0.80, "kill -9 of the worker", stack.kill_worker),
    )
    events: list[tuple[str, int]] = []
    surplus = 0
    with _progress(console) as progress:
        task = progress.add_task(broker, total=expected)
        half = len(spans) // 2
        _write(stack, spans[:half])
        is_all_written = False
        deadline_s = time.monotonic() + _DEADLINE_S
        while True:
            now = count(stack.settings, project)
            if now is not None:
                surplus = max(surplus, now.surplus)
                progress.update(task, completed=now.scored)
                if not is_all_written and now.scored >= 0.3 * expected:
                    _write(stack, spans[half:])
                    is_all_written = True
                if len(events) < len(happenings):
                    share, name, happen = happenings[len(events)]
                    if now.scored >= share * expected:
                        progress.update(task, description=f"{broker}: {name}")
                        happen()
                        events.append((name, now.scored))
                elif now.scored >= expected:
                    break
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{broker}: {now} of {expected} scores, {len(events)} events")
            time.sleep(0.1)
    wait_until(lambda: open_leases(stack.settings, project) == 0, "settled leases", _DEADLINE_S)
    missing, duplicate = missing_and_duplicate(stack.settings, project, [*spans, late])
    took_s = time.monotonic() - began_s
    return Result(broker, answers, missing, max(surplus, duplicate), took_s, events)


def _write(stack: Stack, spans: Sequence[SpanRow]) -> None:
    with connect(stack.settings, "writer") as store:
        Writer(store).write_spans(spans)


def _span(project: str, number: int, start_s: float | None = None) -> SpanRow:
    text = json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": f"answer {number}"}]}]
    )
    return SpanRow(
        project=project,
        trace_id=uuid.uuid4().hex,
        span_id=uuid.uuid4().hex[:16],
        start_time=time.time_ns() if start_s is None else int(start_s * 1e9),
        duration_ns=10**9,
        name="chat m",
        observer="proxy",
        is_counted=True,
        operation="chat",
        request_model="m",
        completion=text,
        content_hash=uuid.uuid4().int % 2**63,
        expires_on=_NEVER,
        content_expires_on=_NEVER,
    )


def _print(console: Console, results: Sequence[Result]) -> None:
    table = Table(title="What happened")
    table.add_column("broker")
    table.add_column("event")
    table.add_column("scores stored by then", justify="right")
    for result in results:
        for name, scored in result.events:
            table.add_row(result.broker, name, f"{scored:,}")
    console.print(table)
    table = Table(title="In the end")
    table.add_column("broker")
    for title in ("answers", "scores wanted", "missing", "duplicate", "took, s"):
        table.add_column(title, justify="right")
    for result in results:
        table.add_row(
            result.broker,
            f"{result.answers:,}",
            f"{result.answers * _SCORES_PER_ANSWER:,}",
            f"{result.missing:,}",
            f"{result.duplicate:,}",
            f"{result.took_s:.0f}",
        )
    console.print(table)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=2000, help="with each broker (2000)")
    parser.add_argument(
        "--brokers",
        nargs="+",
        choices=BROKERS,
        default=BROKERS,
        metavar="NAME",
        help=f"of {', '.join(BROKERS)} (all)",
    )
    parser.add_argument("--quick", action="store_true", help="200 answers, embedded broker only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
