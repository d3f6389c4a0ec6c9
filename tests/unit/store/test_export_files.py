"""Exported files are counted, and told when they are not whole."""

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tachograph_store.errors import QueryTooLarge, StoreError
from tachograph_store.export_files import parquet_rows, write_jsonl, write_parquet

pa: Any = import_module("pyarrow")  # has no types
pq: Any = import_module("pyarrow.parquet")


@pytest.mark.parametrize("rows", [0, 1, 5000])
def test_the_footer_says_how_many_rows(tmp_path: Path, rows: int) -> None:
    table = pa.table(
        {
            "a": pa.array(range(rows), pa.int64()),
            "b": pa.array([{"x": [1.5, None], "y": "z" * 300}] * rows),
            "c": pa.array([True] * rows, pa.bool_()),
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=700)
    assert parquet_rows(path) == rows


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + b"\xff" * 20 + b"\x10\0\0\0PAR1", b"x" * 100 + b"PAR1"]
)
def test_what_is_no_parquet_is_said(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StoreError, match="no Parquet file"):
        write_parquet(io.BytesIO(content), tmp_path / "t.parquet")


def test_lines_are_counted(tmp_path: Path) -> None:
    file = write_jsonl(io.BytesIO(b'{"a":"\\r\\n"}\n{"a":2}\n'), tmp_path / "t.jsonl")
    assert (file.rows, file.bytes) == (2, 21)


def test_an_answer_that_ends_in_an_error_is_none(tmp_path: Path) -> None:
    frame = b'{"a":1}\n\r\n__exception__\r\nabc\r\nCode: 241. DB::Exception: memory\n31 abc\r\n'
    with pytest.raises(QueryTooLarge):
        write_jsonl(io.BytesIO(frame), tmp_path / "a.jsonl")
    with pytest.raises(StoreError, match="broke off"):
        write_jsonl(io.BytesIO(b'{"a":1}\n{"a"'), tmp_path / "b.jsonl")
