"""Resident memory of a process and its children, from /proc (Linux only)."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def resident_bytes(pid: int) -> int | None:
    """Resident set of a process and of everything it started; None where /proc does not tell.

    Shared pages are counted in each process that maps them, as `top` does.
    """
    own = _resident_of(pid)
    if own is None:
        return None
    return own + sum(_resident_of(child) or 0 for child in _descendants(pid))


def _resident_of(pid: int) -> int | None:
    try:
        pages = int((_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _descendants(pid: int) -> Iterator[int]:
    for task in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            children = task.read_text(encoding="ascii").split()
        except OSError:  # the thread ended meanwhile
            continue
        for child in children:
            yield int(child)
            yield from _descendants(int(child))
