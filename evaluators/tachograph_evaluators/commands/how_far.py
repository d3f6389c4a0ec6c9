"""How far judging is: bars on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tachograph_evaluators.backfill import Backfill
from tachograph_evaluators.leases import RUNNING
from tachograph_store.client import Store
from tachograph_store.queries.backfill import backfill_list, backfill_progress, judged_of_day

if TYPE_CHECKING:
    from rich.console import Console

_LOOK_S: Final = 1.0
_LINE_S: Final = 10.0
_BAR: Final = 24


@dataclass(frozen=True, slots=True)
class HowFar:
    """`settled` of so many answers have every evaluation that is wanted, or never will."""

    what: str
    settled: int
    answers: int

    @property
    def is_over(self) -> bool:
        """Whether nothing of it waits."""
        return self.settled >= self.answers

    def __str__(self) -> str:
        share = min(1.0, self.settled / self.answers) if self.answers else 1.0
        bar = "#" * int(_BAR * share)
        return f"{self.what:<19} [{bar:-<{_BAR}}] {self.settled:,} of {self.answers:,} answers"


Look = Callable[[], tuple[Sequence[HowFar], bool]]
"""What there is to show now, and whether that is the end."""


def of_backfill(reader: Store, one: Backfill) -> HowFar:
    """How far a backfill is."""
    found = backfill_progress(reader, one.project, one.since_ns, one.until_ns, one.evaluators)
    return HowFar(f"backfill {one.backfill_id}", found.settled, found.answers)


def of_project(reader: Store, project: str) -> list[HowFar]:
    """The answers of the last 24 hours, by the newest versions that are asked for; running backfills.

    After an upgrade the hourly comparison has the day judged anew: the first is how far that is.
    """
    found = judged_of_day(reader, project)
    shown = [HowFar("judged, last 24 h", found.settled, found.answers)] if found else []
    running = [row for row in backfill_list(reader, project) if row.state == RUNNING]
    return [*shown, *(of_backfill(reader, Backfill.parse(row)) for row in running)]


def follow(look: Look) -> None:
    """Show how far it is until the end; KeyboardInterrupt is the caller's."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        _bars(look, console)
    else:
        _lines(look)


def _bars(look: Look, console: "Console") -> None:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        first = progress.add_task("counting answers", total=None)
        while True:
            shown, is_over = look()
            progress.update(first, visible=not shown)
            for one in shown:
                if one.what not in tasks:
                    tasks[one.what] = progress.add_task(one.what)
                progress.update(tasks[one.what], completed=one.settled, total=one.answers)
            if is_over:
                return
            time.sleep(_LOOK_S)


def _lines(look: Look) -> None:
    said: Sequence[HowFar] = ()
    due = 0.0
    while True:
        shown, is_over = look()
        if shown != said and (is_over or time.monotonic() >= due):
            for one in shown:
                if one not in said:
                    print(one, file=sys.stderr, flush=True)
            said, due = shown, time.monotonic() + _LINE_S
        if is_over:
            return
        time.sleep(_LOOK_S)
