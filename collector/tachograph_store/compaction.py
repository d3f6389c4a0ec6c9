"""Parts that a burst left, merged when the burst is over.

While rows come, ten parts of like size are merged at once (migration 0033): fewer would cost each row
more merges. What lies there when nothing comes any more would wait for the next burst, which would pay
for it, and searches read rows of parts that were never merged without an index.
"""

from collections.abc import Callable
from typing import Final

from tachograph_store.client import Store

QUIET_S: Final = 20
"""Nothing was inserted into `spans` for so long: the burst is over, and it is no slow stream."""
_LEFT: Final = 3
"""So few parts of a day, as they were inserted, are worth a merge; two are as well read apart."""
_A_TURN: Final = 10
"""Merges at most; the next turn is soon."""

_INSERTED: Final = """
SELECT sumIf(free, free >= {left:UInt32}) AS parts, now() - max(newest) AS quiet_s
FROM (
    SELECT
        partition_id,
        max(modification_time) AS newest,
        countIf(name NOT IN (
            SELECT arrayJoin(source_part_names) FROM system.merges
            WHERE database = currentDatabase() AND table = 'spans'
        )) AS free
    FROM system.parts
    WHERE database = currentDatabase() AND table = 'spans' AND active AND level = 0
        AND NOT startsWith(partition_id, 'patch-')
    GROUP BY partition_id
)
"""


def merge_what_is_left(store: Store, is_stopped: Callable[[], bool], quiet_s: int = QUIET_S) -> int:
    """Merge parts of `spans` that bursts left, while nothing is inserted; how many merges it took.

    The engine chooses where a merge gains most: many small parts, and none much larger, which naming
    the day would take along. When the parts that are left become no fewer it chooses others, and
    that is the end. A merge that has begun is waited for. Raises `StoreError`.
    """
    before: int | None = None
    for merges in range(_A_TURN):
        (row,) = store.query(_INSERTED, {"left": _LEFT})
        parts = int(row["parts"])
        is_done = parts == 0 or (before is not None and parts >= before)
        if is_done or row["quiet_s"] < quiet_s or is_stopped():
            return merges
        store.command("OPTIMIZE TABLE spans")
        before = parts
    return _A_TURN
