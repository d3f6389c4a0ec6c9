"""The books: how many records of each source met which fate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.selection import nanoseconds

CLIENT_LINES = "client:"
"""How `LedgerRow.collector` begins in lines that a client counts itself, cumulatively."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Records of one source and signal with one outcome, see `LedgerRow`."""

    source: str
    signal: str
    outcome: str
    reason: str
    count: int
    last_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBalance:
    """The books of one source and signal since they began: both sides of each equation.

    `received = accepted + rejected`, `accepted = stored + duplicate + waiting + quarantined`,
    `stored = live + expired + forgotten` (spans only: a reading takes several data points, a score
    replaces another). A difference is left side minus right side.
    """

    source: str
    """Service of the sender; '' for rows that no books have."""
    signal: str  # spans | metrics | logs
    received: int
    accepted: int
    rejected: int
    stored: int
    duplicate: int
    """Known already, or corrected by a later one: the row itself counts as stored."""
    waiting: int
    """Acknowledged, in a journal, as of the last line."""
    quarantined: int
    """Refused by the engine or damaged; kept in files."""
    live: int
    expired: int
    forgotten: int
    dropped: int
    """By the client, as it says itself: never received."""
    submitted: int
    """To the client's own queue, as it says itself."""
    not_entered: int
    """Rows that a journal stored since its last line; the books have them as waiting."""
    outside: int
    """Rows that no books have: imported, or written by a version without bookings."""
    received_difference: int
    accepted_difference: int
    stored_difference: int | None
    """None where live records cannot be counted: metrics and logs."""
    reasons: Mapping[str, int]
    """Records by `outcome:reason`, where there is a reason."""
    last_time: datetime
    """Of the newest line; 1970 for rows without any."""

    @property
    def is_balanced(self) -> bool:
        """Whether every equation holds."""
        return not (self.received_difference or self.accepted_difference or self.stored_difference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """One equation over the lines of some sources: `left` is the sum of `right`."""

    left: str
    left_count: int
    right: Mapping[str, int]

    @property
    def difference(self) -> int:
        """Left side minus right side: records that are not accounted for."""
        return self.left_count - sum(self.right.values())


EQUATIONS: Final[Mapping[str, Sequence[str]]] = {
    "received": ("accepted", "rejected"),
    "accepted": ("stored", "duplicate", "waiting", "quarantined"),
    "stored": ("live", "expired", "forgotten"),
}
"""Left side -> right side."""


def equations(lines: Sequence[LedgerBalance]) -> list[Equation]:
    """The equations over all lines; the third over those of spans."""
    made: list[Equation] = []
    for left, right in EQUATIONS.items():
        counted = [line for line in lines if left != "stored" or line.signal == "spans"]
        sums = {name: sum(getattr(line, name) for line in counted) for name in (left, *right)}
        made.append(Equation(left=left, left_count=sums.pop(left), right=sums))
    return made


def ledger_entries(
    store: Store, project: str, since: datetime, until: datetime
) -> list[LedgerEntry]:
    """Sums of the lines of a time range; at most 10,000 entries."""
    rows = store.rows(
        "ledger_entries",
        {"project": project, "since_ns": nanoseconds(since), "until_ns": nanoseconds(until)},
    )
    return [
        LedgerEntry(
            source=row["source"],
            signal=row["signal"],
            outcome=row["outcome"],
            reason=row["reason"],
            count=row["total"],
            last_time=row["last_time"],
        )
        for row in rows
    ]


def ledger_balance(store: Store, project: str) -> list[LedgerBalance]:
    """The equations by source and signal, since the books began; at most 10,000 lines."""
    return run(store, "ledger_balance", LedgerBalance, project=project)
