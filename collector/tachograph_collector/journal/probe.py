"""Whether a table takes rows at all: before rows are blamed for a refusal that nobody knows."""

import time
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, get_args, get_origin, get_type_hints

from tachograph_store.rows import TABLES
from tachograph_store.writer import Writer

PROBE_PROJECT: Final = "(probe)"
"""Whose rows these are; no key opens it. A newer probe replaces an older one of the day."""


def probe(writer: Writer, table: str) -> None:
    """Write one row that has nothing in it. Raises `StoreError` when the table takes none."""
    kind = TABLES[table]
    hints = get_type_hints(kind)
    values = {
        item.name: _plainest(item.name, hints[item.name])
        for item in fields(kind)
        if item.default is MISSING and item.default_factory is MISSING
    }
    writer.write(table, [kind(**{**values, "project": PROBE_PROJECT})])


def _plainest(name: str, hint: Any) -> Any:
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if name in ("time", "start_time", "span_time") and hint is int:
        return time.time_ns() // 86_400_000_000_000 * 86_400_000_000_000
    known: Mapping[Any, Any] = {
        str: "",
        int: 0,
        float: 0.0,
        bool: False,
        date: now.date() + timedelta(days=1),
        datetime: now,
    }
    if get_origin(hint) is types.UnionType and types.NoneType in get_args(hint):
        return None
    return known[hint]
