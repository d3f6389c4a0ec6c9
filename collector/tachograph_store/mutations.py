"""Mutations: one ALTER a table, carried out by the engine part by part, also after a restart.

One mutation for all partitions: each costs every part of the table a copy (of links, where nothing
changes), so that sixty of them, one a partition, take sixty times as long.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.errors import StoreError

_POLL_S: Final = 0.1
_TABLE: Final = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class MutationProgress:
    """How far a table is."""

    table: str
    parts_done: int
    parts: int


def mutate(
    store: Store, table: str, command: str, parameters: Mapping[str, Any]
) -> Iterator[MutationProgress]:
    """Hand the engine `ALTER TABLE table command` and say how far it is until it has done it.

    Once handed over it is done whoever dies: the engine keeps it on disk. Raises `StoreError`, also
    when the engine cannot carry it out.
    """
    if not _TABLE.fullmatch(table):
        raise ValueError(f"{table!r} is no table's name")
    store.command(f"ALTER TABLE {table} {command} SETTINGS mutations_sync = 0", parameters)
    yield from finish_mutations(store, table)


def finish_mutations(store: Store, table: str) -> Iterator[MutationProgress]:
    """Wait for what was handed over for that table, by whomever, saying how far it is."""
    parts = 0
    while True:
        rows = store.query(
            "SELECT parts_to_do, latest_fail_reason FROM system.mutations "
            "WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done",
            {"table": table},
        )
        for row in rows:
            if row["latest_fail_reason"]:
                raise StoreError(
                    f"the engine cannot change {table}: {row['latest_fail_reason'][:500]}"
                )
        left = sum(row["parts_to_do"] for row in rows)
        parts = max(parts, left)
        yield MutationProgress(table, parts - left, parts)
        if not rows:
            return
        time.sleep(_POLL_S)
