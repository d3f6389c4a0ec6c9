"""The supervisor's end of the guardian: starts it and tells it which process groups are alive."""

import subprocess
import sys
from pathlib import Path
from typing import Final

_PROGRAM: Final = Path(__file__).with_name("guardian.py")
_END_S: Final = 2.0


class Guard:
    """A running guardian. `lock_fd` is shared with it, so that the lock outlives a killed owner."""

    def __init__(self, lock_fd: int | None = None) -> None:
        self._lock_fd = lock_fd
        self._groups: set[int] = set()
        self._process = self._start()

    def add(self, pid: int) -> None:
        """Notes a process group; its leader has the same number."""
        self._groups.add(pid)
        self._tell(f"+{pid}\n")

    def remove(self, pid: int) -> None:
        self._groups.discard(pid)
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """Lets the guardian go; the groups still noted are ended by it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            # It still waits for groups that were noted; that is its work, not ours.
            return

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            start_new_session=True,
            pass_fds=() if self._lock_fd is None else (self._lock_fd,),
        )

    def _tell(self, line: str) -> None:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line)
        except BrokenPipeError:  # someone killed the guardian: a new one learns all groups
            self._process.wait()
            self._process = self._start()
            assert self._process.stdin is not None
            self._process.stdin.writelines(f"+{pid}\n" for pid in self._groups)
