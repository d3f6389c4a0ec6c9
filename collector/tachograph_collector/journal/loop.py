"""The thread that drains: its own journal, and those that dead collectors left."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tachograph_collector.journal.clock import ClockWatch
from tachograph_collector.journal.drain import Drain, Losses
from tachograph_collector.journal.journal import Waiting
from tachograph_collector.journal.state import keep_reserve
from tachograph_store.errors import StoreError
from tachograph_store.writer import Writer

_LOGGER = logging.getLogger(__name__)
PAUSE_S: Final = 0.4
"""Between the starts of two small inserts: rows gather, each insert has a price of its own. With the
insert behind it a span is queryable within a second. What is no small one any more does not wait."""
_IDLE_S: Final = 0.5
LULL_S: Final = 0.05
"""Of nothing coming: a lone export is sent then, the beginning of a burst is not, which would cost an
insert of its own."""
_ADOPT_S: Final = 2.0
"""Between two looks for journals of processes that died."""


@dataclass(frozen=True, slots=True)
class DrainHealth:
    """How the drain is doing."""

    problem: str | None
    """Why it does not come on, None while it does."""
    oldest_age_s: float
    """Age of the oldest record that is not stored; 0 when there is none."""
    torn_records: int
    damaged_records: int
    missing_records: int
    journals: int
    """Journals that are drained here: the process's own, and those that dead ones left."""
    adopted_journals: int
    """How many of dead processes were taken over since the start."""
    clock_jumps: int


class DrainLoop:
    """Drains until stopped. The first drain is that of the journal which this process fills.

    `adopt` gives drains of journals that nobody owns any more; it is asked now and then. Rows gather
    for `pause_s`, the first ones after an idle time until none has come for `lull_s`.
    """

    def __init__(
        self,
        drains: list[Drain],
        writer: Writer,
        retention_days: int,
        books_interval_s: float,
        adopt: Callable[[], list[Drain]],
        pause_s: float,
        lull_s: float,
    ) -> None:
        self._own = drains[0]
        self._drains = drains
        self._writer = writer
        self._days = retention_days
        self._books_interval_s = books_interval_s
        self._books_due = time.monotonic() + books_interval_s
        self._adopt = adopt
        self._pause_s, self._lull_s = pause_s, lull_s
        self._adopt_due = time.monotonic() + _ADOPT_S
        self._adopted = len(drains) - 1
        self._ended_losses: list[Losses] = []
        self._clock = ClockWatch()
        self._stop = threading.Event()
        self._give_up_at = 0.0
        self._had_problem = False
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def stop(self, deadline_s: float) -> bool:
        """Drain what is left if the store takes it; False when the thread still waits for it."""
        self._give_up_at = time.monotonic() + deadline_s
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(deadline_s + 1)
        return not self._thread.is_alive()

    def release(self) -> None:
        """Leave the folders to others; after a stop."""
        for drain in self._drains:
            drain.folder.release()

    def health(self) -> DrainHealth:
        """As of now."""
        drains = list(self._drains)
        oldest = [drain.oldest_ns for drain in drains if drain.oldest_ns is not None]
        age_s = (time.time_ns() - min(oldest)) / 1e9 if oldest else 0.0
        losses = [*self._ended_losses, *(drain.losses for drain in drains)]
        problems = [drain.problem or drain.books_problem for drain in drains]
        return DrainHealth(
            problem=next((problem for problem in problems if problem is not None), None),
            oldest_age_s=max(0.0, age_s),  # the clock may have been set back
            torn_records=_sum(losses, lambda loss: loss.torn_records),
            damaged_records=_sum(losses, lambda loss: loss.damaged_records),
            missing_records=_sum(losses, lambda loss: loss.missing_records),
            journals=len(drains),
            adopted_journals=self._adopted,
            clock_jumps=self._clock.jumps,
        )

    def waiting(self) -> Waiting:
        """What lies in all journals that are drained here."""
        waiting: Waiting = Counter()
        for drain in list(self._drains):
            waiting.update(drain.journal.waiting)
        return waiting

    def _run(self) -> None:
        enough = self._own.max_rows // 2
        while True:
            began = time.monotonic()
            if self._stop.is_set() and began > self._give_up_at:
                return
            self._clock.look()
            has_worked = self._step_all()
            self._write_books()
            has_problem = self._note()
            if self._stop.is_set():
                if has_problem or (not has_worked and not self._own.state.lines):
                    return
            elif self._own.problem is not None:
                self._stop.wait(_IDLE_S if not has_worked else 0)
            elif not has_worked:
                self._own.journal.wait(self._own.state.position, _IDLE_S)
                self._own.journal.gather(enough, self._pause_s, self._lull_s)
            elif self._own.rows < enough:
                self._own.journal.gather(enough, began + self._pause_s - time.monotonic())

    def _step_all(self) -> bool:
        """One block of each journal; one that does not come on keeps no other waiting."""
        if time.monotonic() >= self._adopt_due and not self._stop.is_set():
            self._adopt_left()
        has_worked = False
        for drain in list(self._drains):
            if not drain.is_due and not self._stop.is_set():
                continue
            problem = _problem_of(drain.step)
            if problem is not None:
                drain.put_off(problem)
                continue
            has_worked |= drain.has_worked
            if drain is not self._own and drain.is_empty:
                self._end(drain)
        return has_worked

    def _adopt_left(self) -> None:
        self._adopt_due = time.monotonic() + _ADOPT_S
        found: list[Drain] = []
        problem = _problem_of(lambda: found.extend(self._adopt()))
        if problem is not None:
            _LOGGER.warning("journals that are left cannot be taken over: %s", problem)
        self._drains += found
        self._adopted += len(found)

    def _end(self, drain: Drain) -> None:
        problem = _problem_of(drain.folder.remove)
        if problem is not None:
            _LOGGER.warning("the drained journal %s stays: %s", drain.folder.path, problem)
            return
        self._ended_losses = [_total([*self._ended_losses, drain.losses])]
        self._drains.remove(drain)

    def _write_books(self) -> None:
        is_due = time.monotonic() >= self._books_due or self._stop.is_set()
        for drain in self._drains:
            if is_due or drain.needs_lines:
                problem = _problem_of(partial(drain.write_books, self._writer, self._days))
                if problem is not None:
                    drain.books_problem = f"lines of the books: {problem}"
        if is_due:
            self._books_due = time.monotonic() + self._books_interval_s
            self._own.journal.leave_if_drained(self._own.state.position)
            if self._own.journal.room_problem() is None:
                keep_reserve(self._own.folder.path)

    def _note(self) -> bool:
        """Whether something does not come on; said when that begins and ends."""
        problem = self.health().problem
        if problem is not None and not self._had_problem:
            _LOGGER.warning("journaled rows wait, the store does not take them: %s", problem)
        elif problem is None and self._had_problem:
            _LOGGER.info("the store takes journaled rows again")
        self._had_problem = problem is not None
        return self._had_problem


def _problem_of(work: Callable[[], object]) -> str | None:
    """Do it, and say why it could not be done."""
    try:
        work()
    except (StoreError, OSError) as error:
        return str(error) or type(error).__name__
    except Exception as error:
        _LOGGER.exception("the drain failed; what is journaled stays there")
        return f"{type(error).__name__}: {error}"
    return None


def _total(losses: list[Losses]) -> Losses:
    return Losses(
        _sum(losses, lambda loss: loss.torn_records),
        _sum(losses, lambda loss: loss.damaged_records),
        _sum(losses, lambda loss: loss.missing_records),
    )


def _sum(losses: list[Losses], count: Callable[[Losses], int]) -> int:
    return sum(count(loss) for loss in losses)
