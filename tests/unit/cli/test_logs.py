"""Logs of supervised processes: bounded, private, safe to show."""

import os
import stat
from pathlib import Path

from tachograph_cli.supervisor.logs import open_log, rotate, tail


def test_rotation_keeps_the_writer_and_bounds_the_files(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    fd = open_log(path)
    for number in range(10):
        os.write(fd, f"{number}".encode() * 150)
        rotate(path, max_bytes=100, kept=2)
    os.write(fd, b"last\n")
    os.close(fd)
    assert path.read_bytes() == b"last\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["web.log", "web.log.1", "web.log.2"]
    assert (tmp_path / "web.log.1").read_bytes() == b"9" * 150
    assert (tmp_path / "web.log.2").read_bytes() == b"8" * 150
    for entry in tmp_path.iterdir():
        assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_a_small_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    assert not rotate(tmp_path / "none.log")
    (tmp_path / "small.log").write_text("x", encoding="utf-8")
    assert not rotate(tmp_path / "small.log")


def test_the_tail_has_no_control_characters(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    path.write_bytes(b"one\ntwo\n\x1b[31mthree\x00\xff\n")
    assert tail(path, 2) == ["two", "[31mthree\ufffd"]
    assert tail(tmp_path / "none.log", 2) == []
