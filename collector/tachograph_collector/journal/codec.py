"""Rows as they lie in the journal: JSON, column by column.

JSON because a reader of any version, and a person with an editor, can take it apart. Columns because
most of a span's 72 fields are empty, or the same in all spans of a request (its project, its
resource): such a field stands once, or not at all. That makes a third of the bytes' parsing, and the
store takes columns in any case.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import orjson

from tachograph_store.columns import Columns
from tachograph_store.rows import TABLES

_OWN = ("version", "stored_at", "booked_by", "booked_block", "booked_source")
"""Set when a row is written to the store."""


Rows = Sequence[Any] | Columns
"""Rows of a table, or their columns, the writer's own ones excepted."""


@dataclass(slots=True)
class Draft:
    """One request's rows and how its records count, before they have a place in the journal."""

    project: str
    signal: str  # spans | metrics | logs
    accepted: Counter[str] = field(default_factory=Counter)
    """Records by source."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records by source and `RejectReason`."""
    tables: dict[str, Rows] = field(default_factory=dict)
    """What goes into each table."""
    sources: Sequence[str] = ()
    """Of each row its source, where a row is a record (spans, scores)."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A draft as bytes."""

    rows: int
    meta: bytes
    payload: bytes
    accepted: Mapping[tuple[str, str, str], int]
    """Records by project, source and signal."""

    @property
    def size_bytes(self) -> int:
        """Bytes it will take, about."""
        return len(self.meta) + len(self.payload) + 64


@dataclass(frozen=True, slots=True)
class Part:
    """A record's rows of one table."""

    rows: int
    same: Mapping[str, Any]
    """Fields that all rows share."""
    columns: Mapping[str, Sequence[Any]]
    """The others but those that have their default everywhere."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a record says."""

    project: str
    signal: str
    accepted: Counter[str]
    rejected: Counter[tuple[str, str]]
    tables: Mapping[str, "Part"]
    sources: Sequence[str]


def pack(draft: Draft) -> Packed:
    """The draft as bytes. Raises `ValueError` or `TypeError` for a value that JSON cannot hold."""
    meta = {
        "project": draft.project,
        "signal": draft.signal,
        "accepted": draft.accepted,
        "rejected": [[*key, count] for key, count in draft.rejected.items()],
    }
    one_source = len(draft.accepted) <= 1
    parts = {table: _part(table, rows) for table, rows in draft.tables.items() if count_of(rows)}
    payload = {
        "tables": {
            table: {"rows": part.rows, "same": part.same, "columns": part.columns}
            for table, part in parts.items()
        },
        "sources": list(draft.accepted) if one_source else draft.sources,
    }
    return Packed(
        sum(part.rows for part in parts.values()),
        orjson.dumps(meta),
        orjson.dumps(payload, default=_plain),
        {(draft.project, source, draft.signal): count for source, count in draft.accepted.items()},
    )


def count_of(rows: Rows) -> int:
    """How many rows these are."""
    return len(next(iter(rows.values()), ())) if isinstance(rows, dict) else len(rows)


def selected(rows: Rows, indexes: Sequence[int]) -> Rows:
    """Those of the rows."""
    if isinstance(rows, dict):
        return {name: [values[index] for index in indexes] for name, values in rows.items()}
    return [rows[index] for index in indexes]


def _part(table: str, rows: Rows) -> Part:
    if isinstance(rows, dict):
        columns: Columns = rows
    else:
        columns = dict(
            zip(_names(table), zip(*map(_getter(table), rows), strict=True), strict=True)
        )
    defaults = _defaults(table)
    same: dict[str, Any] = {}
    different: Columns = {}
    count = 0
    for name, values in columns.items():
        first, count = values[0], len(values)
        # The last one first: where it differs, as it mostly does, the others are not compared.
        if values[-1] == first and values.count(first) == count:
            if name not in defaults or first != defaults[name]:
                same[name] = first
        else:
            different[name] = values
    return Part(count, same, different)


def unpack(meta: bytes, payload: bytes) -> Unpacked:
    """The opposite; without `payload` only the counts.

    Raises `ValueError`, `KeyError` or `TypeError` for what no known version wrote.
    """
    counts = orjson.loads(meta)
    accepted: Counter[str] = Counter(counts["accepted"])
    body = orjson.loads(payload) if payload else {"tables": {}, "sources": []}
    sources: list[str] = body["sources"]
    if len(accepted) == 1:
        sources = sources * accepted.total()
    return Unpacked(
        project=counts["project"],
        signal=counts["signal"],
        accepted=accepted,
        rejected=Counter({(source, reason): n for source, reason, n in counts["rejected"]}),
        tables={table: _unpacked_part(table, part) for table, part in body["tables"].items()},
        sources=sources,
    )


def _unpacked_part(table: str, part: Mapping[str, Any]) -> Part:
    rows, same, columns = part["rows"], part["same"], part["columns"]
    missing = [name for name in _required(table) if name not in same and name not in columns]
    if missing:
        raise ValueError(f"rows of {table} lack {sorted(missing)}")
    for name, values in columns.items():
        if len(values) != rows:
            raise ValueError(f"{table}.{name} has {len(values)} values for {rows} rows")
    return Part(rows, same, columns)


def columns_of(table: str, parts: Sequence[Part]) -> Columns:
    """The rows of all parts column by column; fields that they lack have their defaults."""
    rows = sum(part.rows for part in parts)
    defaults = _defaults(table)
    columns: Columns = {}
    said = {name for part in parts for name in (*part.columns, *part.same)}
    for name in _all_names(table):
        if name not in said:
            columns[name] = [defaults.get(name)] * rows
            continue
        convert = _converters(table).get(name)
        values: list[Any] = []
        for part in parts:
            found = part.columns.get(name)
            if found is not None:
                values.extend(found if convert is None else map(convert, found))
            elif name in part.same:
                value = part.same[name]
                values.extend([value if convert is None else convert(value)] * part.rows)
            else:
                values.extend([defaults.get(name)] * part.rows)
        columns[name] = values
    return columns


@cache
def _names(table: str) -> tuple[str, ...]:
    return tuple(name for name in _all_names(table) if name not in _OWN)


@cache
def _all_names(table: str) -> tuple[str, ...]:
    return tuple(item.name for item in fields(TABLES[table]))


@cache
def _defaults(table: str) -> Mapping[str, Any]:
    defaults: dict[str, Any] = {}
    for item in fields(TABLES[table]):
        if item.default is not MISSING:
            defaults[item.name] = item.default
        elif item.default_factory is not MISSING:
            defaults[item.name] = item.default_factory()
    return defaults


@cache
def _required(table: str) -> frozenset[str]:
    return frozenset(
        item.name
        for item in fields(TABLES[table])
        if item.default is MISSING and item.default_factory is MISSING
    )


@cache
def _getter(table: str) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*_names(table))


@cache
def _converters(table: str) -> Mapping[str, Callable[[Any], Any]]:
    """Field -> how its value comes back from JSON, where it is not the same."""
    known: dict[type, Callable[[str], Any]] = {
        Decimal: Decimal,
        date: _date,
        datetime: datetime.fromisoformat,
    }
    converters: dict[str, Callable[[Any], Any]] = {}
    for name, hint in get_type_hints(TABLES[table]).items():
        for kind in get_args(hint) or (hint,):
            if kind in known:
                converters[name] = _unless_none(known[kind])
    return converters


def _unless_none(convert: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


@lru_cache(4096)
def _date(text: str) -> date:
    return date.fromisoformat(text)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"the journal cannot hold a {type(value).__name__}")
