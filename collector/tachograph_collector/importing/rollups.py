"""Imported rollups: only of times whose spans are not here, the others are computed from them."""

from collections.abc import Sequence
from datetime import timedelta

from tachograph_store.client import Store
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.rows import RollupRow
from tachograph_store.writer import Writer


def write_rollups(store: Store, project: str, rows: Sequence[RollupRow]) -> int:
    """Store rows of times without spans; how many these were. Raises `StoreError`."""
    if not rows:
        return 0
    first = min(row.period_start for row in rows)
    last = max(row.period_start + timedelta(seconds=row.period_s) for row in rows)
    found = store.rows(
        "import_minutes",
        {"project": project, "since_ns": nanoseconds(first), "until_ns": nanoseconds(last)},
    )
    minutes = {row["minute"] for row in found}
    hours = {minute // 3600 for minute in minutes}
    kept = []
    for row in rows:
        second = nanoseconds(row.period_start) // 1_000_000_000
        if second // 3600 not in hours if row.period_s == 3600 else second not in minutes:
            kept.append(row)
    Writer(store).write("rollups", kept)
    return len(kept)
