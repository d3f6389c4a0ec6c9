"""The lines of the books: frozen in files first, then written to the store until they are there.

Of each account there are two lines: its total since the books began (sequence 0, replaced by newer
ones, never expired) and what the minute brought (a sequence number a minute, expired as data is).
All lines that are due are one insert, so that every equation holds whenever somebody looks.
"""

import json
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from tachograph_collector.books import Account
from tachograph_collector.journal.journal import Waiting
from tachograph_collector.journal.state import (
    Line,
    State,
    counted,
    listed,
    write_reserved,
)
from tachograph_collector.translate.limits import expiry, utc
from tachograph_store.rows import LedgerRow

_LOGGER = logging.getLogger(__name__)
TOTAL_SEQUENCE: Final = 0
"""`LedgerRow.sequence` of totals and of what is waiting: a newer line replaces an older one."""
_NEVER: Final = date(2149, 6, 6)
_MINUTE_NS: Final = 60_000_000_000


@dataclass(slots=True)
class Totals:
    """What the lines that were frozen last have said; a file for each time they are frozen."""

    minute: int = -1
    """Of the wall clock, minutes since the epoch, to which `in_minute` belongs."""
    in_minute: Counter[Account] = field(default_factory=Counter)
    total: Counter[Account] = field(default_factory=Counter)

    def save(self, folder: Path, number: int) -> None:
        """Write the file of a number; those before it stay. Raises `OSError`."""
        document = {
            "minute": self.minute,
            "in_minute": listed(self.in_minute),
            "total": listed(self.total),
        }
        write_reserved(folder, _name(number), json.dumps(document).encode(), durable=True)

    @classmethod
    def load(cls, folder: Path, number: int) -> "Totals | None":
        """As saved under a number; None when that cannot be read."""
        try:
            document: dict[str, Any] = json.loads((folder / _name(number)).read_bytes())
            return cls(
                minute=document["minute"],
                in_minute=counted(document["in_minute"]),
                total=counted(document["total"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


class LedgerLines:
    """The lines of one journal's books; used by the thread that drains it."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._state = state
        totals = Totals.load(folder, state.frozen) if state.frozen else Totals()
        if totals is None:
            _LOGGER.error("the totals in %s cannot be read: the books begin anew", folder)
            state.begin_books()
            totals = Totals()
        self._totals = totals

    def freeze(self, waiting: Waiting) -> bool:
        """Make the lines that are due, and keep them; False when there are none. Raises `OSError`.

        What a crash interrupts is as if it had not begun: the totals of a number count only with
        the state that names it.
        """
        state = self._state
        gauge = Counter({Account(*account, "waiting"): n for account, n in waiting.items()})
        changed = [
            account for account in {*gauge, *state.shown_waiting}
            if gauge[account] != state.shown_waiting[account]
        ]  # fmt: skip
        if not changed and not state.unwritten:
            return False
        now = time.time_ns()
        is_new_minute = now // _MINUTE_NS != self._totals.minute
        totals = Totals(
            minute=now // _MINUTE_NS,
            in_minute=Counter() if is_new_minute else self._totals.in_minute.copy(),
            total=self._totals.total.copy(),
        )
        totals.in_minute.update(state.unwritten)
        totals.total.update(state.unwritten)
        totals.save(self._folder, state.frozen + 1)
        sequence = state.sequence + is_new_minute
        state.lines = _lines(state, totals, sequence, now)
        state.lines += [Line(account, TOTAL_SEQUENCE, now, gauge[account]) for account in changed]
        state.sequence = sequence
        state.version = max(state.version + 1, now)
        state.lines_version = state.version
        state.shown_waiting = gauge
        state.unwritten.clear()
        state.frozen += 1
        self._totals = totals
        state.save(self._folder)
        (self._folder / _name(state.frozen - 1)).unlink(missing_ok=True)
        return True

    def rows(self, retention_days: int) -> list[LedgerRow]:
        """The frozen lines as rows."""
        return [_row(self._state, line, retention_days) for line in self._state.lines]

    def written(self) -> None:
        """The frozen lines are in the store. Raises `OSError`."""
        self._state.lines = []
        self._state.save(self._folder)


def _lines(state: State, totals: Totals, sequence: int, now: int) -> list[Line]:
    lines: list[Line] = []
    for account in state.unwritten:
        lines.append(Line(account, TOTAL_SEQUENCE, now, totals.total[account]))
        lines.append(Line(account, sequence, now, totals.in_minute[account]))
    projects = sorted({account.project for account in state.unwritten})
    blocks = [Account(project, "", "spans", "block") for project in projects]
    return [*lines, *(Line(account, TOTAL_SEQUENCE, now, state.block) for account in blocks)]


def _name(number: int) -> str:
    return f"totals-{number}.json"


def _row(state: State, line: Line, retention_days: int) -> LedgerRow:
    account = line.account
    is_total = line.sequence == TOTAL_SEQUENCE
    return LedgerRow(
        project=account.project,
        collector=state.books,
        sequence=line.sequence,
        source=account.source,
        signal=account.signal,
        outcome=account.outcome,
        reason=account.reason,
        time=utc(line.time_ns),
        count=line.count,
        expires_on=_NEVER if is_total else expiry(line.time_ns, retention_days),
    )
