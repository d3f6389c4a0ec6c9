"""Chaos: kill -9, a full disk, an absent store, under load: nothing acknowledged is lost.

    make chaos
    make chaos ARGS="--kills 4 --seed 7 --away-s 5"

A real store and real collectors behind one port; senders that behave as exporters should. At
random moments something is killed. The books are looked at twice a second, and must balance for
every project at every look; in the end every acknowledged span must be stored exactly once.
"""

import argparse
import json
import logging
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from tests.benchmarks.chaos.checks import Books, Outcome, Watch, compare, settled
from tests.benchmarks.chaos.events import planned
from tests.benchmarks.chaos.load import Load
from tests.benchmarks.chaos.stack import Stack, wait_until

from tachograph_store.client import connect
from tachograph_store.keys import create_key

_SETTLE_S: Final = 180.0
_PROJECTS: Final = ("default", "chaos-a", "chaos-b")


@dataclass(frozen=True, slots=True)
class Moment:
    """One event, and what was known after it."""

    at_s: float
    name: str
    took_s: float
    acknowledged: int
    waiting: int
    unbalanced: int


def main() -> int:
    """0 when nothing was lost, doubled or unbalanced."""
    arguments = _arguments()
    logging.disable(logging.ERROR)  # of the client: the store is away on purpose
    console = Console()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="tachograph-chaos-", dir=arguments.folder) as folder:
        os.environ["TACHOGRAPH_HOME"] = folder
        stack = Stack(Path(folder), arguments.processes)
        room = "a disk of 96 MB of its own" if stack.has_disk else "a quota of 24 MB (not root)"
        console.print(
            f"chaos: seed {seed}, {arguments.kills} events, {arguments.processes} collector processes, "
            f"journals on {room}, {arguments.spans_per_s:g} spans/s offered"
        )
        try:
            return _run(console, stack, arguments, seed)
        except TimeoutError:
            console.print(stack.log_tail(), markup=False)
            raise
        finally:
            stack.close()


def _run(console: Console, stack: Stack, arguments: argparse.Namespace, seed: int) -> int:
    rng = random.Random(seed)
    stack.start_store()
    stack.start_collectors()
    with connect(stack.settings, "writer") as store:
        keys = {
            project: None if project == "default" else create_key(store, project, "ingest", "c").key
            for project in _PROJECTS
        }
    load = Load(
        stack.port, keys, senders=arguments.senders, spans_per_s=arguments.spans_per_s, seed=seed
    )
    watch = Watch(stack.settings, list(_PROJECTS))
    load.start()
    watch.start()
    began = time.monotonic()
    moments: list[Moment] = []
    try:
        with _progress(console) as progress:
            task = progress.add_task("chaos", total=arguments.kills)
            for event in planned(stack, rng, arguments.kills, arguments.away_s):
                seen = load.record.requests
                wait_until(partial(_goes_on, load, seen), "acknowledged requests", _SETTLE_S)
                time.sleep(rng.uniform(0, arguments.between_s))
                start = time.monotonic()
                progress.update(task, description=event.name)
                event.run()
                moment = _look(load, watch, event.name, start - began, start)
                moments.append(moment)
                progress.advance(task)
    finally:
        is_taken = load.stop(_SETTLE_S)
    wait_until(lambda: stack.journaled_bytes() == 0, "empty journals", _SETTLE_S)
    books = settled(watch, _SETTLE_S)
    watch.stop()
    outcome = compare(stack.settings, load.record.acknowledged, books)
    _print(console, moments, load, watch, books, outcome)
    unbalanced = len(watch.unbalanced)
    figures = {
        "bench": "chaos",
        "kills": len(moments),
        "acknowledged": load.record.spans,
        "lost": outcome.lost,
        "duplicates": outcome.duplicates,
        "unbalanced": unbalanced,
        "strangers": outcome.strangers,
        "looks": watch.looks,
        "seed": seed,
    }
    print(json.dumps(figures), flush=True)
    wrong = outcome.lost + outcome.duplicates + outcome.strangers + unbalanced
    return 1 if wrong or not is_taken or load.record.odd else 0


def _goes_on(load: Load, seen: int) -> bool:
    return load.record.requests > seen + 5


def _look(load: Load, watch: Watch, name: str, at_s: float, start: float) -> Moment:
    before = len(watch.unbalanced)
    books: Books | None = None
    deadline = time.monotonic() + _SETTLE_S
    while books is None:
        books = watch.look()
        if time.monotonic() > deadline:
            raise TimeoutError("the books cannot be read")
    return Moment(
        at_s=at_s,
        name=name,
        took_s=time.monotonic() - start,
        acknowledged=load.record.spans,
        waiting=sum(line.waiting for lines in books.values() for line in lines),
        unbalanced=len(watch.unbalanced) - before,
    )


def _print(
    console: Console,
    moments: list[Moment],
    load: Load,
    watch: Watch,
    books: Books,
    outcome: Outcome,
) -> None:
    table = Table(title="What happened")
    table.add_column("at, s", justify="right")
    table.add_column("event")
    for title in ("took, s", "spans acknowledged", "waiting", "unbalanced"):
        table.add_column(title, justify="right")
    for moment in moments:
        table.add_row(
            f"{moment.at_s:.0f}",
            moment.name,
            f"{moment.took_s:.1f}",
            f"{moment.acknowledged:,}",
            f"{moment.waiting:,}",
            f"{moment.unbalanced:,}",
        )
    console.print(table)
    record = load.record
    console.print(
        f"senders: {record.requests:,} requests acknowledged, {record.repeated:,} of them repeated, "
        f"{record.corrected:,} spans corrected, {record.refused:,} answers 429 or 503, "
        f"{record.broken:,} connections lost"
    )
    for odd in record.odd:
        console.print(f"an odd answer: {odd}", markup=False)
    sums = {
        name: sum(getattr(line, name) for lines in books.values() for line in lines)
        for name in ("received", "accepted", "stored", "duplicate", "quarantined", "live")
    }
    console.print(
        "books: "
        + ", ".join(f"{name} {count:,}" for name, count in sums.items())
        + f"; {watch.looks:,} looks"
    )
    for line in watch.unbalanced[:10]:
        console.print(f"unbalanced: {line}", markup=False)
    console.print(
        f"acknowledged {record.spans:,} spans: lost {outcome.lost:,}, stored twice "
        f"{outcome.duplicates:,}, stored without an acknowledgement {outcome.strangers:,}"
    )


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
    parser.add_argument("--kills", type=int, default=20, help="events (20)")
    parser.add_argument("--seed", type=int, help="of load and events (a new one each time)")
    parser.add_argument("--processes", type=int, default=2, help="collectors behind the port (2)")
    parser.add_argument("--away-s", type=float, default=60, help="how long the store is away (60)")
    parser.add_argument("--senders", type=int, default=6, help="connections (6)")
    parser.add_argument("--spans-per-s", type=float, default=1500, help="offered (1500)")
    parser.add_argument("--between-s", type=float, default=6, help="most load between events (6)")
    parser.add_argument("--folder", type=Path, help="where the stack's home is made (/tmp)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
