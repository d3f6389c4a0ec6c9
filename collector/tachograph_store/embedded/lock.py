"""One process owns a store's directory."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tachograph_store.errors import StoreLocked


class DirectoryLock:
    """An advisory lock on `<directory>/lock`, held until `release` or the process ends.

    The kernel drops it with the process, so a lock left by `kill -9` blocks nobody; the file stays
    and names the last owner.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreLocked: another process holds it; the message names its pid and the remedy.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreLocked(
                f"the store {self._path.parent} is in use by the process {owner}: connect to it "
                "(every other command does so by itself), stop that process, or set "
                "TACHOGRAPH_STORE_URL to another directory"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; without effect when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
