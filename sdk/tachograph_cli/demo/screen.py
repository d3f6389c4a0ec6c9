"""The demo's live display: a bar a stage, and a line for each thing worth knowing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from tachograph_cli.demo.outcome import Outcome

STAGES: Final = {
    "start": "start the stack, the engine and the sidecar",
    "replay": "replay the prompts from two tenants",
    "kill": "kill the collector while requests go on",
    "degrade": "degrade the answers until the alert fires",
    "recover": "recover until the alert resolves",
    "settle": "wait until everything is recorded and judged",
}

_WIDTH_WITHOUT_TERMINAL: Final = 130


class Screen:
    """Shows stages on a terminal; prints lines only where there is none."""

    def __init__(self, outcome: Outcome) -> None:
        # Into a file or a pipe, the tables get the room that they need.
        width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
        self.console = Console(highlight=False, soft_wrap=True, width=width)
        self._outcome = outcome
        self._started_s = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
        )
        self._tasks: dict[str, TaskID] = {
            name: self._progress.add_task(text, start=False, total=None, note="")
            for name, text in STAGES.items()
        }
        if self.console.is_terminal:
            self._progress.start()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Marks a stage as running, and as done when it did not raise."""
        task = self._tasks[name]
        self._progress.start_task(task)
        if not self.console.is_terminal:
            self.console.print(Text(f"{self.elapsed_s:6.1f} s  -- {STAGES[name]}"))
        yield
        self._progress.update(task, total=1, completed=1)
        self._progress.stop_task(task)

    def update(self, name: str, note: str, done: float | None = None) -> None:
        """A note beside the bar, and the share done where it is known."""
        task = self._tasks[name]
        if done is None:
            self._progress.update(task, note=note)
        else:
            self._progress.update(task, note=note, total=1, completed=min(done, 0.99))

    def say(self, message: str) -> None:
        """A line with the time since the start; it becomes part of the timeline."""
        self._outcome.timeline.append((self.elapsed_s, message))
        self.console.print(Text(f"{self.elapsed_s:6.1f} s  {message}"))

    def close(self) -> None:
        self._progress.stop()
