"""Exports of Tachograph itself: a directory with `manifest.json`."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tachograph.semconv.values import RejectReason
from tachograph_collector.importing.batch import IMPORT_SOURCE, Batch
from tachograph_collector.importing.json_items import MAX_ITEM_CHARACTERS
from tachograph_collector.importing.rows import row_of
from tachograph_collector.translate.counting import OBSERVERS
from tachograph_collector.translate.limits import NANOSECONDS, Window
from tachograph_collector.translate.resource import UNNAMED_SERVICE
from tachograph_store.export_manifest import Manifest
from tachograph_store.retention import EXPIRIES, Retention, expires, tomorrow

SIGNALS: Final[Mapping[str, str]] = {
    "spans": "spans",
    "scores": "logs",
    "gpu_readings": "metrics",
    "engine_readings": "metrics",
    "rollups": "rollups",
}
"""Of each table the signal under which the books count its rows; those of rollups are not counted."""

_ROWS: Final = 1_000
_HEX: Final = frozenset("0123456789abcdef")


def read_export(
    manifest: Manifest, directory: Path, project: str, days: Retention, now_ns: int
) -> Iterator[Batch]:
    """The rows of all files, for `project`. Raises `OSError`, `ValueError`."""
    for table in SIGNALS:
        for file in manifest.tables.get(table, ()):
            path = directory / file.name
            rows = _parquet(path) if path.suffix == ".parquet" else _json_lines(path)
            batch = Batch(SIGNALS[table])
            for values in rows:
                _take(table, values, project, days, now_ns, batch)
                if batch.rows + batch.rejected.total() >= _ROWS:
                    yield batch
                    batch = Batch(SIGNALS[table])
            batch.read_bytes = file.bytes
            yield batch


def _take(
    table: str,
    values: Mapping[str, Any] | None,
    project: str,
    days: Retention,
    now_ns: int,
    batch: Batch,
) -> None:
    source = _source(table, values or {})
    try:
        if values is None:
            raise ValueError("no JSON object")
        expiry = EXPIRIES[table]
        row = row_of(table, values, project=project, **dict.fromkeys(expiry.columns, tomorrow()))
        time = getattr(row, expiry.time)
        dates = {
            name: expires(time, getattr(days, field)) for name, field in expiry.columns.items()
        }
        reason = _reject_reason(
            table, row, time, getattr(days, expiry.columns["expires_on"]), now_ns
        )
        row = row_of(table, values, project=project, **dates)
    except (ValueError, OverflowError):
        reason = RejectReason.BAD_VALUE
    if reason is not None:
        batch.rejected[source, reason] += 1
        return
    batch.add(table, row, source)


def _source(table: str, values: Mapping[str, Any]) -> str:
    if table == "spans":
        name = values.get("service_name")
        return name if isinstance(name, str) and name else UNNAMED_SERVICE
    return IMPORT_SOURCE


def _reject_reason(
    table: str, row: Any, time: int | datetime, days: int, now_ns: int
) -> str | None:
    is_pending = table == "scores" and not row.trace_id  # its span is not known yet
    if table in ("spans", "scores") and not is_pending:
        if not _is_id(row.trace_id, 32):
            return RejectReason.BAD_TRACE_ID
        if not _is_id(row.span_id, 16):
            return RejectReason.BAD_SPAN_ID
    if table == "spans" and row.observer not in OBSERVERS:
        return RejectReason.BAD_VALUE
    if isinstance(time, datetime):
        time = int(time.astimezone(UTC).timestamp()) * NANOSECONDS
    return Window.around(now_ns, days).reject_reason(time)


def _is_id(text: str, length: int) -> bool:
    return len(text) == length and _HEX.issuperset(text) and any(digit != "0" for digit in text)


def _json_lines(path: Path) -> Iterator[Mapping[str, Any] | None]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        while line := file.readline(MAX_ITEM_CHARACTERS):
            try:
                values = json.loads(line, parse_float=Decimal)
            except (ValueError, RecursionError):
                values = None
            yield values if isinstance(values, dict) else None


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    if find_spec("pyarrow") is None:
        raise ValueError('to read Parquet: pip install pyarrow; or export with "--format jsonl"')
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                yield from _numbers_for_times(arrow, batch).to_pylist()
    except arrow.ArrowException as error:
        raise ValueError(f"{path.name} is no readable Parquet file: {error}") from None


def _numbers_for_times(arrow: Any, batch: Any) -> Any:
    """Python has no nanoseconds: such columns become whole numbers."""
    columns = []
    for column in batch.columns:
        if _is_nanoseconds(arrow, column.type):
            column = column.cast(arrow.int64())
        elif arrow.types.is_list(column.type) and _is_nanoseconds(arrow, column.type.value_type):
            column = column.cast(arrow.list_(arrow.int64()))
        columns.append(column)
    return arrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _is_nanoseconds(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_timestamp(kind)) and kind.unit == "ns"
