"""Log files of supervised processes: appended by the process itself, bounded by the supervisor.

The process writes straight into the file, so it neither blocks on a slow supervisor nor dies of a
broken pipe when the supervisor is killed. As it keeps the file open, rotation copies and truncates.
"""

import os
import shutil
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 10 * 1024 * 1024
KEPT: Final = 2
_TAIL_BYTES: Final = 16 * 1024


def open_log(path: Path) -> int:
    """Opens for appending, owner-only: logs may quote what a client sent. Returns the descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def rotate(path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """Moves the content to `path.1` when the file is too large; True when it did.

    Lines written between copy and truncation are lost; the alternative, a pump between process and
    file, would couple the service's life to ours.
    """
    try:
        if path.stat().st_size <= max_bytes:
            return False
    except FileNotFoundError:
        return False
    for number in range(kept, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            os.replace(older, path.with_name(f"{path.name}.{number}"))
    newest = path.with_name(f"{path.name}.1")
    shutil.copyfile(path, newest)
    newest.chmod(0o600)
    os.truncate(path, 0)
    return True


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log, without control characters: a log quotes hostile content."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return ["".join(c for c in line if c.isprintable()) for line in text.splitlines()[-lines:]]
