"""Rows out of the store as files: pieces of some thousand rows, written by the engine itself.

A piece is a range of minutes, and where one minute has too many rows a share of them by a hash of
their keys. One piece is held at a time, so memory does not grow with the export.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from tachograph_store.client import Store
from tachograph_store.errors import QueryTooLarge
from tachograph_store.export_files import ExportedFile, write_jsonl, write_parquet
from tachograph_store.export_tables import ExportTable
from tachograph_store.queries.selection import nanoseconds

Format = Literal["parquet", "jsonl"]
ROWS_PER_FILE: Final = 10_000
_MINUTE_NS: Final = 60_000_000_000
_MAX_SHARES: Final = 4096


@dataclass(frozen=True, slots=True)
class Selection:
    """What is exported of each table."""

    project: str
    since: datetime
    until: datetime
    with_content: bool
    format: Format


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of [since_ns, until_ns), those whose key's hash is `share` modulo `shares`."""

    since_ns: int
    until_ns: int
    rows: int
    share: int = 0
    shares: int = 1


def plan_pieces(
    store: Store, table: ExportTable, selection: Selection, rows_per_file: int = ROWS_PER_FILE
) -> list[Piece]:
    """Cut a table's rows into pieces of at most so many rows. Raises `StoreError`.

    Days are asked one by one: even a minute of each makes a short list.
    """
    since_ns, until_ns = nanoseconds(selection.since), nanoseconds(selection.until)
    minutes: list[tuple[int, int]] = []
    for day in _days(store, table, selection):
        minutes += [
            (row["minute"], row["rows"])
            for row in store.query(
                f"SELECT toUnixTimestamp(toStartOfMinute({table.time})) AS minute, "
                f"count() AS rows FROM {table.name} FINAL WHERE {_where(table)} "
                f"AND toDate({table.time}) = toDate({{day:UInt32}}) "
                "GROUP BY minute ORDER BY minute",
                {**_parameters(selection, since_ns, until_ns), "day": day},
                name="export_minutes",
            )
        ]
    return list(_cut(minutes, since_ns, until_ns, rows_per_file))


def _days(store: Store, table: ExportTable, selection: Selection) -> list[int]:
    rows = store.query(
        f"SELECT DISTINCT toUInt32(toDate({table.time})) AS day FROM {table.name} "
        f"WHERE {_where(table)} ORDER BY day",
        _parameters(selection, nanoseconds(selection.since), nanoseconds(selection.until)),
        name="export_days",
    )
    return [row["day"] for row in rows]


def _cut(
    minutes: Sequence[tuple[int, int]], since_ns: int, until_ns: int, rows_per_file: int
) -> Iterator[Piece]:
    begun: Piece | None = None
    for minute, rows in minutes:
        first = max(since_ns, minute * 1_000_000_000)
        last = min(until_ns, minute * 1_000_000_000 + _MINUTE_NS)
        if begun is not None and begun.rows + rows > rows_per_file:
            yield begun
            begun = None
        if rows > rows_per_file:
            shares = -(-rows // rows_per_file)
            for share in range(shares):
                yield Piece(first, last, rows // shares, share, shares)
        elif begun is None:
            begun = Piece(first, last, rows)
        else:
            begun = replace(begun, until_ns=last, rows=begun.rows + rows)
    if begun is not None:
        yield begun


def export_table(
    store: Store,
    table: ExportTable,
    selection: Selection,
    pieces: Sequence[Piece],
    directory: Path,
) -> Iterator[ExportedFile]:
    """Write the pieces to `directory`, a file each; yield each when it is whole and synced.

    Raises:
        StoreError: the store failed; files written until then are whole.
        OSError: the disk did.
    """
    suffix = selection.format
    number = 0
    waiting = list(reversed(pieces))
    while waiting:
        piece = waiting.pop()
        path = directory / f"{table.name}-{number + 1:06d}.{suffix}"
        try:
            written = _write(store, table, selection, piece, path)
        except QueryTooLarge:
            path.unlink(missing_ok=True)
            waiting.extend(reversed(_halves(piece)))
            continue
        if written.rows:
            number += 1
            yield written
        else:
            path.unlink()


def _write(
    store: Store, table: ExportTable, selection: Selection, piece: Piece, path: Path
) -> ExportedFile:
    columns = ", ".join(table.columns(with_content=selection.with_content))
    keys = ", ".join(table.key)
    sql = (
        f"SELECT {columns} FROM {table.name} FINAL WHERE {_where(table)} "
        f"AND sipHash64({keys}) % {{shares:UInt32}} = {{share:UInt32}} "
        f"ORDER BY {table.time}, {keys}"
    )
    parameters = {
        **_parameters(selection, piece.since_ns, piece.until_ns),
        "share": piece.share,
        "shares": piece.shares,
    }
    output = "Parquet" if selection.format == "parquet" else "JSONEachRow"
    write = write_parquet if selection.format == "parquet" else write_jsonl
    with store.stream(sql, parameters, output, name="export_rows") as answer:
        return write(answer, path)


def _halves(piece: Piece) -> list[Piece]:
    """The piece in two: its rows are larger than others."""
    minutes = (piece.until_ns - piece.since_ns) // _MINUTE_NS
    if piece.shares == 1 and minutes > 1:
        middle = piece.since_ns + minutes // 2 * _MINUTE_NS
        middle -= middle % _MINUTE_NS
        return [replace(piece, until_ns=middle), replace(piece, since_ns=middle)]
    if piece.shares > _MAX_SHARES:
        raise QueryTooLarge("a single row is larger than the store may answer at once")
    return [
        replace(piece, share=share, shares=2 * piece.shares)
        for share in (piece.share, piece.share + piece.shares)
    ]


def _where(table: ExportTable) -> str:
    return (
        "project = {project:String} "
        f"AND {table.time} >= fromUnixTimestamp64Nano({{since_ns:Int64}}, 'UTC') "
        f"AND {table.time} < fromUnixTimestamp64Nano({{until_ns:Int64}}, 'UTC') "
        f"AND {table.condition}"
    )


def _parameters(selection: Selection, since_ns: int, until_ns: int) -> dict[str, Any]:
    return {"project": selection.project, "since_ns": since_ns, "until_ns": until_ns}
