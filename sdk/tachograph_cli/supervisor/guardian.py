"""Ends the services when their supervisor has died without doing so (kill -9, out of memory).

Runs as a program of its own, standard library only, in a session of its own. Its standard input is
a pipe from the supervisor: lines `+PID` and `-PID` name the process groups alive; end of file
means that the supervisor is gone. It also inherits the home's lock, so that a new supervisor
cannot start before the old services have ended.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

GRACE_S = 10.0


def main() -> int:
    """Waits for the end of the supervisor; returns 0."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, pid = line[0], int(line[1:])
        if sign == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    end(groups, GRACE_S)
    return 0


def end(groups: set[int], grace_s: float) -> None:
    """Asks the leaders to stop, then kills what is left of each group."""
    for pid in groups:
        _signal(os.kill, pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and any(_is_running(pid) for pid in groups):
        time.sleep(0.05)
    for pid in groups:
        _signal(os.killpg, pid, signal.SIGKILL)


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        send(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _is_running(pid: int) -> bool:
    """Whether the leader still runs; one that nobody has reaped yet does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main())
