"""What the engine leaves on disk of deleted rows: masked rows, and parts that others replaced."""

import time
from collections.abc import Iterator
from typing import Final

from tachograph_store.client import Store
from tachograph_store.errors import StoreError
from tachograph_store.mutations import MutationProgress, mutate

TABLES: Final = ("spans", "scores", "jobs", "incidents", "deliveries", "day_rollups")
"""Tables in which something of a user may lie."""

_POLL_S: Final = 0.5
_NO_PARTITION: Final = {
    "spans": "19700101",
    "scores": "19700101",
    "jobs": "197001",
    "day_rollups": "197001",
}


def remove_masked_rows(migrator: Store) -> Iterator[MutationProgress]:
    """Rewrite parts of `spans` in which rows are only masked as deleted: old versions of corrected
    spans are, until their part is merged. Raises `StoreError`."""
    masked = migrator.query(
        "SELECT count() AS parts FROM system.parts WHERE database = currentDatabase() "
        "AND table = 'spans' AND active AND has_lightweight_delete"
    )
    if masked[0]["parts"]:
        yield from mutate(migrator, "spans", "APPLY PATCHES", {})
        yield from mutate(migrator, "spans", "APPLY DELETED MASK", {})


def remove_old_parts(migrator: Store, deadline_s: float) -> Iterator[int]:
    """Wait until no replaced part lies on disk, saying how many do. Raises `StoreError`.

    Dropping a partition that does not exist makes the engine look for parts to delete at once.
    """
    deadline = time.monotonic() + deadline_s
    known = set(_old_parts(migrator))
    while True:
        for table in TABLES:
            partition = _NO_PARTITION.get(table, "none")
            migrator.command(f"ALTER TABLE {table} DROP PARTITION ID '{partition}'")
        left = known.intersection(_old_parts(migrator))  # not those of newer merges
        yield len(left)
        if not left:
            return
        if time.monotonic() > deadline:
            raise StoreError(
                f"{len(left)} replaced parts are still on disk: the engine keeps them some minutes, "
                "or a query reads them; run the same command again"
            )
        time.sleep(_POLL_S)


def _old_parts(migrator: Store) -> list[tuple[str, str]]:
    # A patch says of rows by their numbers that they are deleted; it holds nothing of them.
    rows = migrator.query(
        "SELECT table, name FROM system.parts WHERE database = currentDatabase() "
        "AND table IN {tables:Array(String)} AND NOT active AND NOT startsWith(name, 'patch-')",
        {"tables": list(TABLES)},
    )
    return [(row["table"], row["name"]) for row in rows]
