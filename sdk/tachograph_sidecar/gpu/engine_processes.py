"""Which processes of this machine are the engine: who listens on its port, and their children."""

import ipaddress
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
_LOOK_INTERVAL_S: Final = 30.0
_MAX_PIDS: Final = 4_096


class EngineProcesses:
    """Process ids of the engines behind some addresses, looked up anew every half minute.

    Args:
        addresses: (host, port) of each engine, asked for at each look-up.
        proc: where the kernel shows processes.
    """

    def __init__(
        self, addresses: Callable[[], Sequence[tuple[str, int]]], proc: Path = Path("/proc")
    ) -> None:
        self._addresses = addresses
        self._proc = proc
        self._found: frozenset[int] | None = None
        self._looked_at = float("-inf")

    def pids(self) -> frozenset[int] | None:
        """None where an engine is on another machine, or its process cannot be seen from here."""
        if time.monotonic() - self._looked_at >= _LOOK_INTERVAL_S:
            self._looked_at = time.monotonic()
            self._found = self._look()
        return self._found

    def _look(self) -> frozenset[int] | None:
        addresses = self._addresses()
        if not addresses or not all(_is_local(host) for host, _ in addresses):
            return None
        inodes = self._listening({port for _, port in addresses})
        listeners: set[int] = set()
        parents: dict[int, int] = {}
        for pid in self._all_pids():
            parents[pid] = self._parent(pid)
            if self._holds(pid, inodes):
                listeners.add(pid)
        if not listeners:
            return None
        return frozenset(pid for pid in parents if _descends(pid, listeners, parents))

    def _listening(self, ports: set[int]) -> set[str]:
        """Inodes of sockets that listen on one of the ports."""
        inodes: set[str] = set()
        for name in ("tcp", "tcp6"):
            try:
                lines = (self._proc / "net" / name).read_text().splitlines()[1:]
            except OSError:
                continue
            for fields in map(str.split, lines):
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) in ports:
                    inodes.add(fields[9])
        return inodes

    def _all_pids(self) -> list[int]:
        return sorted(int(one.name) for one in self._proc.iterdir() if one.name.isdigit())[
            -_MAX_PIDS:
        ]

    def _parent(self, pid: int) -> int:
        try:
            text = (self._proc / str(pid) / "stat").read_text(errors="replace")
            return int(text.rpartition(")")[2].split()[1])  # a name may hold anything, brackets too
        except (OSError, ValueError, IndexError):
            return 0

    def _holds(self, pid: int, inodes: set[str]) -> bool:
        """Whether a process has one of the sockets open; False where we may not look."""
        try:
            with os.scandir(self._proc / str(pid) / "fd") as handles:
                targets = [os.readlink(handle.path) for handle in handles]
        except OSError:
            return False
        return any(target.startswith("socket:[") and target[8:-1] in inodes for target in targets)


def _descends(pid: int, ancestors: set[int], parents: dict[int, int]) -> bool:
    seen: set[int] = set()
    while pid and pid not in seen:
        if pid in ancestors:
            return True
        seen.add(pid)
        pid = parents.get(pid, 0)
    return False


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
