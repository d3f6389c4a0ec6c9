"""Rows as they lie in the journal: arrays of JSON, one field after the other.

JSON because a reader of any version, and a person with an editor, can take it apart. The names of
the fields stand in the payload's `fields` only once per table.
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


@dataclass(slots=True)
class Draft:
    """One request's rows and how its records count, before they have a place in the journal."""

    project: str
    signal: str  # spans | metrics | logs
    accepted: Counter[str] = field(default_factory=Counter)
    """Records by source."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records by source and `RejectReason`."""
    tables: dict[str, Sequence[Any]] = field(default_factory=dict)
    """Rows by table."""
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
class Unpacked:
    """What a record says."""

    project: str
    signal: str
    accepted: Counter[str]
    rejected: Counter[tuple[str, str]]
    tables: Mapping[str, tuple[tuple[str, ...], list[list[Any]]]]
    """Names of the fields and the rows, by table."""
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
    payload = {
        "fields": {table: _names(table) for table, rows in draft.tables.items() if rows},
        "rows": {
            table: list(map(_getter(table), rows)) for table, rows in draft.tables.items() if rows
        },
        "sources": list(draft.accepted) if one_source else draft.sources,
    }
    return Packed(
        sum(map(len, draft.tables.values())),
        orjson.dumps(meta),
        orjson.dumps(payload, default=_plain),
        {(draft.project, source, draft.signal): count for source, count in draft.accepted.items()},
    )


def unpack(meta: bytes, payload: bytes) -> Unpacked:
    """The opposite; without `payload` only the counts.

    Raises `ValueError`, `KeyError` or `TypeError` for what no known version wrote.
    """
    counts = orjson.loads(meta)
    accepted: Counter[str] = Counter(counts["accepted"])
    body = orjson.loads(payload) if payload else {"fields": {}, "rows": {}, "sources": []}
    sources: list[str] = body["sources"]
    if len(accepted) == 1:
        sources = sources * accepted.total()
    for table, names in body["fields"].items():
        missing = _required(table).difference(names)
        if missing:
            raise ValueError(f"rows of {table} lack {sorted(missing)}")
    return Unpacked(
        project=counts["project"],
        signal=counts["signal"],
        accepted=accepted,
        rejected=Counter({(source, reason): n for source, reason, n in counts["rejected"]}),
        tables={
            table: (tuple(body["fields"][table]), rows) for table, rows in body["rows"].items()
        },
        sources=sources,
    )


def columns_of(table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    """Unpacked rows column by column; fields that they lack have their defaults."""
    given = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns: Columns = {}
    for item in fields(TABLES[table]):
        if item.name in given:
            convert = _converters(table).get(item.name)
            values = given[item.name]
            columns[item.name] = values if convert is None else list(map(convert, values))
        elif item.default is not MISSING:
            columns[item.name] = [item.default] * len(rows)
        elif item.default_factory is not MISSING:
            columns[item.name] = [item.default_factory()] * len(rows)
    return columns


@cache
def _names(table: str) -> tuple[str, ...]:
    return tuple(item.name for item in fields(TABLES[table]) if item.name not in _OWN)


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
