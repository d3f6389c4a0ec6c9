"""Exported files: owner-only, whole or said to be broken, with their rows counted."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tachograph_store.errors import StoreError, error_of_code
from tachograph_store.export_thrift import struct_number

_CHUNK_BYTES: Final = 1 << 20
_CODE: Final = re.compile(rb"Code: (\d{1,5})")
_MAGIC: Final = b"PAR1"
_ROWS_FIELD: Final = 3


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file as the manifest names it."""

    name: str
    rows: int
    bytes: int
    sha256: str


def write_jsonl(answer: BinaryIO, path: Path) -> ExportedFile:
    """Copy rows that come as JSON lines. Raises `StoreError` when they end in an error."""
    lines = 0
    last = b"\n"

    def count(chunk: bytes) -> None:
        nonlocal lines, last
        # In JSON a carriage return is written as backslash and r: a bare one begins the engine's error frame.
        if b"\r" in chunk:
            raise _given_up(chunk[chunk.index(b"\r") :], path)
        lines += chunk.count(b"\n")
        last = chunk[-1:]

    size, digest = _copy(answer, path, count)
    if last != b"\n":
        raise StoreError(f"the answer of the engine broke off in {path.name}: export again")
    return ExportedFile(path.name, lines, size, digest)


def _given_up(frame: bytes, path: Path) -> StoreError:
    text = f"the engine gave up in the middle of {path.name}; export again"
    code = _CODE.search(frame)
    return StoreError(text) if code is None else error_of_code(int(code.group(1)), text)


def write_parquet(answer: BinaryIO, path: Path) -> ExportedFile:
    """Copy a Parquet file. Raises `StoreError` when it is not whole."""
    size, digest = _copy(answer, path, lambda chunk: None)
    try:
        rows = parquet_rows(path)
    except ValueError as error:
        raise StoreError(f"the answer of the engine is no Parquet file: {error}") from error
    return ExportedFile(path.name, rows, size, digest)


def _copy(answer: BinaryIO, path: Path, look: Callable[[bytes], None]) -> tuple[int, str]:
    size = 0
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in _chunks(answer):
            look(chunk)
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _chunks(answer: BinaryIO) -> Iterator[bytes]:
    while chunk := answer.read(_CHUNK_BYTES):
        yield chunk


def file_digest(path: Path) -> str:
    """Hex SHA-256 of a file's bytes. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parquet_rows(path: Path) -> int:
    """How many rows the footer of a Parquet file counts. Raises `ValueError` when there is none.

    The footer is a Thrift struct in the compact protocol; its field 3 is the number of rows.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        tail = file.read()
        length = int.from_bytes(tail[:4], "little")
        if len(tail) != 8 or tail[4:] != _MAGIC or length + 8 > size:
            raise ValueError(f"{path.name} does not end as Parquet files do")
        file.seek(size - 8 - length)
        return struct_number(file.read(length), _ROWS_FIELD)
