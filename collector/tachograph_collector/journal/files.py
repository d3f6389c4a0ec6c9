"""Owner-only files that are there whole or not at all."""

import os
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

_MODE: Final = 0o600
_PIECES_AT_ONCE: Final = 512
"""Of one system call; Linux takes 1,024."""


def make_private_directory(path: Path) -> None:
    """Create a directory that only its owner enters, its parents too."""
    for directory in (*reversed(path.parents), path):
        directory.mkdir(mode=0o700, exist_ok=True)


def open_private(path: Path, flags: int) -> int:
    """A descriptor of an owner-only file, created when missing."""
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, _MODE)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write every byte at the descriptor's position. Raises `OSError`."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def write_pieces(descriptor: int, pieces: Sequence[bytes]) -> None:
    """Write all of the pieces, one behind the other, as `write_all`."""
    views = deque(memoryview(piece) for piece in pieces if piece)
    while views:
        written = os.writev(descriptor, list(islice(views, _PIECES_AT_ONCE)))
        while views and written >= len(views[0]):
            written -= len(views.popleft())
        if written:
            views[0] = views[0][written:]


def replace_file(path: Path, content: bytes, *, durable: bool) -> None:
    """Put content in a file's place; `durable`: also after the machine lost its power."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    descriptor = open_private(fresh, os.O_WRONLY | os.O_TRUNC)
    try:
        write_all(descriptor, content)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    if durable:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
