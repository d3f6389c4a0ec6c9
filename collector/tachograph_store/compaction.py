"""Parts that a burst left, merged when the burst is over.

While rows come, ten parts of like size are merged at once (migration 0033): fewer would cost each row
more merges. What lies there when nothing comes any more would wait for the next burst, which would pay
for it, and searches read rows of parts that were never merged without an index.
"""

from collections.abc import Iterator
from typing import Final

from tachograph_store.client import Store

QUIET_S: Final = 5
"""Nothing was inserted into the day for so long: the burst is over."""
_LEFT: Final = 3
"""So few parts as inserted are worth a merge; two are as well read apart."""

_DAYS: Final = """
SELECT partition_id AS day, countIf(level = 0) AS inserted
FROM system.parts
WHERE database = currentDatabase() AND table = 'spans' AND active
    AND NOT startsWith(partition_id, 'patch-')
GROUP BY day
HAVING inserted >= {left:UInt32} AND now() - maxIf(modification_time, level = 0) >= {quiet_s:UInt32}
ORDER BY day
"""


def merge_what_is_left(store: Store, quiet_s: int = QUIET_S) -> Iterator[str]:
    """For each day of `spans` with parts that a burst left one merge; says which day.

    The engine chooses where its next merge gains most: many small parts, and none much larger, which
    naming the day would take along. Raises `StoreError`.
    """
    for row in store.query(_DAYS, {"left": _LEFT, "quiet_s": quiet_s}):
        store.command("OPTIMIZE TABLE spans")
        yield str(row["day"])
