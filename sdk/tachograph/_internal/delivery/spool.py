"""Batches on disk, for a collector that stays away longer than memory or the process lasts.

Off unless a folder is named: prompts on a disk are somebody's decision. Files are their owner's
alone, bounded in their sum, and hold exactly the bodies that would have been sent.
"""

import fcntl
import logging
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from tachograph._internal.delivery.records import Signal

_log = logging.getLogger("tachograph")

_SUFFIX: Final = ".otlp"
_SIGNALS: Final = get_args(Signal)


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """One file, held by this process until the `with` block of `oldest` ends."""

    path: Path
    signal: Signal
    records: int
    is_packed: bool
    body: bytes

    def remove(self) -> None:
        """It was delivered, or can never be."""
        self.path.unlink(missing_ok=True)


class Spool:
    """A folder of batches, shared by all processes of one owner.

    Raises OSError when the folder cannot be made or is not its owner's alone.
    """

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._written = 0
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = self._folder.stat()
        if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
            raise PermissionError(
                f"spool_folder {self._folder}: must belong to this user alone (chmod 700)"
            )

    def write(self, signal: Signal, body: bytes, *, records: int, is_packed: bool) -> str | None:
        """Keep a batch; the name of its file, or None when there is no room or no disk."""
        try:
            if self._size() + len(body) > self._max_bytes:
                return None
            self._written += 1
            kind = "gz" if is_packed else "raw"
            name = f"{time.time_ns():020d}-{os.getpid()}-{self._written}-{signal}-{records}-{kind}"
            draft = self._folder / f".{name}"
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as opened:
                opened.write(body)
                opened.flush()
                os.fsync(opened.fileno())
            draft.rename(self._folder / f"{name}{_SUFFIX}")
        except OSError as error:
            _log.warning("tachograph: the spool cannot be written: %s", error)
            return None
        return f"{name}{_SUFFIX}"

    @contextmanager
    def oldest(self) -> Iterator[SpooledBatch | None]:
        """The oldest batch that no other process is sending; None: there is none."""
        for path in self._files():
            try:
                opened = path.open("rb")
            except OSError:  # another process was faster
                continue
            with opened:
                try:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                if path.exists():  # not sent between our look and our lock
                    yield _read(path, opened.read())
                    return
        yield None

    @property
    def is_empty(self) -> bool:
        """Is nothing in the folder?"""
        return not self._files()

    def _files(self) -> list[Path]:
        try:
            found = [path for path in self._folder.iterdir() if _is_batch(path.name)]
        except OSError:
            return []
        return sorted(found)

    def _size(self) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self._folder))


def _is_batch(name: str) -> bool:
    parts = name.removesuffix(_SUFFIX).split("-")
    return (
        name.endswith(_SUFFIX)
        and len(parts) == 6
        and parts[3] in _SIGNALS
        and all(part.isdecimal() for part in (*parts[:3], parts[4]))
        and parts[5] in ("gz", "raw")
    )


def _read(path: Path, body: bytes) -> SpooledBatch:
    *_, signal, records, kind = path.name.removesuffix(_SUFFIX).split("-")
    found: Signal = next(each for each in _SIGNALS if each == signal)
    return SpooledBatch(path, found, int(records), kind == "gz", body)
