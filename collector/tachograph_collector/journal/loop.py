"""The thread that drains: its own journal, and those that dead collectors left."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tachograph_collector.journal.drain import Drain, Losses
from tachograph_collector.journal.journal import Waiting
from tachograph_collector.journal.state import keep_reserve
from tachograph_store.errors import StoreError
from tachograph_store.writer import Writer

_LOGGER = logging.getLogger(__name__)
_PAUSE_S: Final = 0.2
"""Between the starts of two small inserts: rows gather, each insert has a price of its own."""
_IDLE_S: Final = 0.5
_FIRST_RETRY_S: Final = 0.25
_LAST_RETRY_S: Final = 5.0


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


class DrainLoop:
    """Drains until stopped. The first drain is that of the journal which this process fills."""

    def __init__(
        self, drains: list[Drain], writer: Writer, retention_days: int, books_interval_s: float
    ) -> None:
        self._own = drains[0]
        self._drains = drains
        self._writer = writer
        self._retention_days = retention_days
        self._books_interval_s = books_interval_s
        self._books_due = time.monotonic() + books_interval_s
        self._stop = threading.Event()
        self._give_up_at = 0.0
        self._problem: str | None = None
        self._retry_s = _FIRST_RETRY_S
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def stop(self, deadline_s: float) -> bool:
        """Drain what is left if the store takes it; False when the thread still waits for it."""
        self._give_up_at = time.monotonic() + deadline_s
        self._stop.set()
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
        losses = [drain.losses for drain in drains]
        return DrainHealth(
            problem=self._problem,
            oldest_age_s=max(0.0, age_s),  # the clock may have been set back
            torn_records=_sum(losses, lambda loss: loss.torn_records),
            damaged_records=_sum(losses, lambda loss: loss.damaged_records),
            missing_records=_sum(losses, lambda loss: loss.missing_records),
        )

    def waiting(self) -> Waiting:
        """What lies in all journals that are drained here."""
        waiting: Waiting = Counter()
        for drain in list(self._drains):
            waiting.update(drain.journal.waiting)
        return waiting

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            if self._stop.is_set() and began > self._give_up_at:
                return
            try:
                has_worked = self._step_all()
                self._write_books()
            except (StoreError, OSError) as error:
                self._note(str(error) or type(error).__name__)
                if self._stop.is_set():
                    return
                self._stop.wait(self._retry_s)
                self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)
                continue
            except Exception as error:
                self._note(f"{type(error).__name__}: {error}")
                _LOGGER.exception("the drain failed; what is journaled stays there")
                if self._stop.is_set():
                    return
                self._stop.wait(_LAST_RETRY_S)
                continue
            self._note(None)
            self._retry_s = _FIRST_RETRY_S
            if self._stop.is_set():
                if not has_worked and not self._own.state.lines:
                    return
            elif not has_worked:
                self._own.journal.wait(self._own.state.position, _IDLE_S)
            elif self._own.rows < self._own.max_rows // 2:
                self._stop.wait(max(0.0, began + _PAUSE_S - time.monotonic()))

    def _step_all(self) -> bool:
        has_worked = False
        for drain in list(self._drains):
            has_worked |= drain.step()
            if drain is not self._own and drain.is_empty:
                drain.folder.remove()
                self._drains.remove(drain)
        return has_worked

    def _write_books(self) -> None:
        is_due = time.monotonic() >= self._books_due or self._stop.is_set()
        for drain in self._drains:
            if is_due or drain.needs_lines:
                drain.write_books(self._writer, self._retention_days)
        if is_due:
            self._books_due = time.monotonic() + self._books_interval_s
            self._own.journal.leave_if_drained(self._own.state.position)
            if self._own.journal.room_problem() is None:
                keep_reserve(self._own.folder.path)

    def _note(self, problem: str | None) -> None:
        if problem is not None and self._problem is None:
            _LOGGER.warning("journaled rows wait, the store does not take them: %s", problem)
        elif problem is None and self._problem is not None:
            _LOGGER.info("the store takes journaled rows again")
        self._problem = problem


def _sum(losses: list[Losses], count: Callable[[Losses], int]) -> int:
    return sum(count(loss) for loss in losses)
