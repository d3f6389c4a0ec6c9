"""Journal folders and who owns them."""

import fcntl
import os
import uuid
from pathlib import Path
from shutil import rmtree
from typing import Final

from tachograph_collector.journal.files import (
    make_private_directory,
    open_private,
    sync_directory,
)

QUARANTINE: Final = "quarantine"
_LOCK: Final = "lock"
_SUFFIX: Final = ".segment"


class JournalFolder:
    """One journal's folder, owned until `release` or the end of the process."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @property
    def quarantine(self) -> Path:
        """Where refused rows go; shared by all journals, it outlives them."""
        return self.path.parent / QUARANTINE

    def segments(self) -> list[int]:
        """The numbers of the segments, oldest first."""
        return sorted(int(path.stem) for path in self.path.glob(f"*{_SUFFIX}"))

    def segment(self, number: int) -> Path:
        """Where a segment lies."""
        return self.path / f"{number:010d}{_SUFFIX}"

    def size_bytes(self, before: int) -> int:
        """Bytes of the segments below a number."""
        older = [number for number in self.segments() if number < before]
        return sum(self.segment(number).stat().st_size for number in older)

    def delete_before(self, number: int) -> None:
        """Delete the segments below a number."""
        for old in self.segments():
            if old < number:
                self.segment(old).unlink(missing_ok=True)

    def release(self) -> None:
        """Leave the folder to whoever comes next."""
        os.close(self._lock)

    def remove(self) -> None:
        """Delete the folder; only when all of it is drained."""
        rmtree(self.path)
        self.release()


def make_folder(journal_dir: Path) -> JournalFolder:
    """A new folder of the caller's own. Raises `OSError` when the directory cannot be used."""
    make_private_directory(journal_dir / QUARANTINE)
    while True:
        path = journal_dir / uuid.uuid4().hex
        path.mkdir(mode=0o700)
        folder = _claim(path)  # None: a neighbour took it for one that is left
        if folder is not None:
            sync_directory(journal_dir)
            return folder


def claim_left(journal_dir: Path) -> list[JournalFolder]:
    """Every folder that no living process owns: what dead ones left. Raises `OSError`."""
    make_private_directory(journal_dir / QUARANTINE)
    left = sorted(path for path in journal_dir.iterdir() if (path / _LOCK).exists())
    return [folder for path in left if (folder := _claim(path)) is not None]


def _claim(path: Path) -> JournalFolder | None:
    try:
        lock = open_private(path / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # whoever drained the folder to its end may have deleted it since it was listed
        if os.stat(path / _LOCK).st_ino == os.fstat(lock).st_ino:
            return JournalFolder(path, lock)
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None
