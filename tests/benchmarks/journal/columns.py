"""Native blocks of span columns, without a store to ask for the types."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from tachograph_store import native
from tachograph_store.columns import Columns

_COLUMN: Final = re.compile(r"^    ([a-z_]+) ([A-Z].*?)(?: CODEC.*| TTL.*)?,?$", re.MULTILINE)


def _types() -> Mapping[str, str]:
    text = (files("tachograph_store") / "migrations" / "0001_spans.sql").read_text()
    types = dict(_COLUMN.findall(text))
    return {name: types[name] for name in types if name not in ("stored_at", "version")}


SPAN_TYPES: Final = _types()
"""Column -> type, of the first migration, without what the writer fills."""


def plain(types: Mapping[str, str]) -> Mapping[str, str]:
    """The same without dictionaries: what could be derived from the row's annotations."""
    return {
        name: kind.replace("LowCardinality(Nullable(String))", "Nullable(String)").replace(
            "LowCardinality(String)", "String"
        )
        for name, kind in types.items()
    }


def block_of(columns: Columns, types: Mapping[str, str]) -> bytes:
    """One Native block."""
    rows: Sequence[Any] = columns["trace_id"]
    packed = [native.column(name, kind, columns[name]) for name, kind in types.items()]
    return b"".join((native.block_head(len(packed), len(rows)), *packed))


def sliced(columns: Columns, begin: int, end: int) -> Columns:
    """Some of the rows."""
    return {name: values[begin:end] for name, values in columns.items()}
