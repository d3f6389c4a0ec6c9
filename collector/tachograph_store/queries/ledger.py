"""The books: how many records of each source met which fate."""

from dataclasses import dataclass
from datetime import datetime

from tachograph_store.client import Store
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
