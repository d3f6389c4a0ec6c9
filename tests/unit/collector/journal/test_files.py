"""Files are written whole, whatever number of pieces they come in."""

import os
from pathlib import Path

import pytest

from tachograph_collector.journal.files import open_private, write_pieces


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 3_000])
def test_pieces_are_written_one_behind_the_other(tmp_path: Path, count: int) -> None:
    pieces = [bytes([number % 256]) * (number % 7) for number in range(count)]
    descriptor = open_private(tmp_path / "file", os.O_WRONLY)
    try:
        write_pieces(descriptor, pieces)
    finally:
        os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)


def test_what_is_written_in_part_is_written_on() -> None:
    """A pipe takes 64 KiB at once where nobody waits for it; then whoever wrote goes on behind."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    pieces = [bytes([number]) * 10_000 for number in range(20)]
    found = b""
    try:
        with pytest.raises(BlockingIOError):
            write_pieces(writing, pieces)
        os.set_blocking(reading, False)
        found = os.read(reading, 1 << 20)
    finally:
        os.close(reading)
        os.close(writing)
    assert 0 < len(found) < 200_000
    assert b"".join(pieces).startswith(found)
