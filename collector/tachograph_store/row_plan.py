"""Which scores and readings are stored already: what comes again is counted once in the books.

The engine keeps one row a key whatever is sent, so this is not about the rows. It tells what was there
with the same content (it is not sent again) from what replaces other content, and both from what is new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.columns import Columns
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.span_plan import CORRECTION, DUPLICATE, STORED, SUPERSEDED

_ROWS_PER_QUESTION: Final = 1_000
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Identity:
    """What makes a row the same row inside its project, and by what two versions of it differ."""

    key: Sequence[str]  # the first is a time, by which and by the second the engine finds rows
    content: Sequence[str]


_IDENTITIES: Final[Mapping[str, _Identity]] = {
    "scores": _Identity(
        ("span_time", "trace_id", "span_id", "evaluator", "evaluator_version", "name", "author"),
        (
            "created_at",
            "source",
            "value",
            "label",
            "explanation",
            "model",
            "tenant",
            "variant",
            "sample_weight",
        ),
    ),
    "gpu_readings": _Identity(
        ("time", "gpu_id"),
        (
            "host",
            "gpu_index",
            "gpu_model",
            "utilization_ratio",
            "memory_used_bytes",
            "memory_total_bytes",
            "memory_bus_ratio",
            "power_w",
            "power_limit_w",
            "energy_j",
            "temperature_c",
            "clock_graphics_mhz",
            "clock_memory_mhz",
            "throttle_reasons",
            "attributes",
        ),
    ),
    "engine_readings": _Identity(
        ("time", "name", "instance", "labels_hash"), ("kind", "value", "unit")
    ),
}
_TIMES: Final = frozenset({"span_time", "time", "created_at"})


def has_plan(table: str) -> bool:
    """Whether rows of the table are looked up before they are sent."""
    return table in _IDENTITIES


def plan_rows(store: Store, table: str, columns: Columns, version: int) -> str:
    """A letter of `span_plan` for each row: stored, correction, duplicate or superseded.

    Args:
        version: under which the rows are sent; what the store has under it is of an earlier attempt
            to send the same rows, and is as good as not there.

    Raises `StoreError`.
    """
    identity = _IDENTITIES[table]
    keys = _tuples(columns, ("project", *identity.key))
    contents = _tuples(columns, identity.content)
    known = _known(store, table, identity, keys, version)
    newest = {key: index for index, key in enumerate(keys)}
    letters: list[str] = []
    for index, key in enumerate(keys):
        last = newest[key]
        if last != index:
            letters.append(DUPLICATE if contents[index] == contents[last] else SUPERSEDED)
        elif key not in known:
            letters.append(STORED)
        else:
            letters.append(DUPLICATE if contents[index] == known[key] else CORRECTION)
    return "".join(letters)


def _tuples(columns: Columns, names: Sequence[str]) -> list[Key]:
    return list(zip(*(map(_plain, columns[name]) for name in names), strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return nanoseconds(value)
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value


def _known(
    store: Store, table: str, identity: _Identity, keys: Sequence[Key], version: int
) -> dict[Key, Key]:
    """Of stored keys what the newest version says."""
    found: dict[Key, tuple[int, Key]] = {}
    time, second = identity.key[:2]
    sql = (
        f"SELECT {_selected((*identity.key, *identity.content))}, version AS row_version "
        f"FROM {table} WHERE project = {{project:String}} AND {time} IN "
        "(SELECT fromUnixTimestamp64Nano(arrayJoin({times:Array(Int64)}), 'UTC')) "
        f"AND {second} IN {{seconds:Array(String)}}"
    )
    for project in sorted({key[0] for key in keys}):
        own = [key for key in keys if key[0] == project]
        for start in range(0, len(own), _ROWS_PER_QUESTION):
            part = own[start : start + _ROWS_PER_QUESTION]
            parameters = {
                "project": project,
                "times": sorted({key[1] for key in part}),
                "seconds": sorted({key[2] for key in part}),
            }
            for row in store.query(sql, parameters, name=f"stored_{table}"):
                key = (project, *(row[f"row_{name}"] for name in identity.key))
                content = tuple(_plain(row[f"row_{name}"]) for name in identity.content)
                if row["row_version"] != version and found.get(key, (-1,))[0] < row["row_version"]:
                    found[key] = (row["row_version"], content)
    return {key: content for key, (_, content) in found.items()}


def _selected(names: Sequence[str]) -> str:
    # Other names than the columns': the engine would take them for these in the conditions.
    return ", ".join(
        f"toUnixTimestamp64Nano(toDateTime64({name}, 9, 'UTC')) AS row_{name}"
        if name in _TIMES
        else f"{name} AS row_{name}"
        for name in names
    )
