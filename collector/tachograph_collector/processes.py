"""Several collector processes behind one port: started, restarted, stopped together.

One interpreter uses one core. Each child owns a journal of its own and listens on the same two ports
(`SO_REUSEPORT`: the kernel deals connections out); the supervisor holds the ports without listening,
so that nobody else takes them while a child is away, and handles no request. What a dead child left
in its journal, a living one drains within seconds.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_LOGGER = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.5
_LAST_PAUSE_S: Final = 30.0
_SETTLED_S: Final = 60.0
"""A child that ran this long had a sound start: the next pause is short again."""
_POLL_S: Final = 0.1
_ORPHANS_S: Final = 3.0
"""How long the children of a supervisor that was killed may still listen."""
_STOP_DEADLINE_S: Final = 25.0
"""Above what a child takes: for requests that were accepted, its drain, its rollups."""


def _port_of_ours_alone(family: int, address: str, port: int) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as alone:
        # Without the option, so that a second collector is told and does not share by accident.
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind((address, port))
        alone.listen(1)
        return int(alone.getsockname()[1])


@contextlib.contextmanager
def held_port(address: str, port: int) -> Iterator[int]:
    """A port that only processes of ours can listen on together. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    deadline = time.monotonic() + _ORPHANS_S
    while True:
        try:
            port = _port_of_ours_alone(family, address, port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
        else:
            break
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((address, port))
        yield port


@dataclass(slots=True)
class _Child:
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_due: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    starts: int = 0

    def start(self) -> None:
        # Its standard input ends when this process does, however it does: the child ends too.
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE)
        self.started_at = time.monotonic()
        self.starts += 1

    def ended(self) -> int | None:
        """The exit status of a process that has ended since it was last asked."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is None:
            return None
        self._forget()
        now = time.monotonic()
        if now - self.started_at > _SETTLED_S:
            self.pause_s = _FIRST_PAUSE_S
        self.start_due = now + self.pause_s
        self.pause_s = min(2 * self.pause_s, _LAST_PAUSE_S)
        return status

    def _forget(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None

    def end(self, deadline: float) -> bool:
        """Wait for it, kill it at the deadline; whether it ended well."""
        if self.process is None:
            return True
        try:
            status = self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _LOGGER.warning("process %d does not end: killed", self.process.pid)
            self.process.kill()
            status = self.process.wait()
        self._forget()
        return status == 0


@dataclass(slots=True)
class Supervisor:
    """Keeps `count` children running until told to stop."""

    command: Callable[[int], Sequence[str]]
    """The command line of the child with a number."""
    count: int
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End all children; `run` returns."""
        self._stop.set()

    def run(self) -> int:
        """Until `stop`; 0 when all ended well, 1 otherwise or when one could not start at all."""
        children = [_Child(self.command(number)) for number in range(self.count)]
        status = 0
        while not self._stop.is_set():
            for number, child in enumerate(children):
                ended = child.ended()
                if ended is not None:
                    if ended == 1 and child.starts == 1:
                        status = 1  # it has said what is wrong; it would be again
                        self._stop.set()
                    _LOGGER.warning("collector process %d ended with status %d", number, ended)
                is_due = time.monotonic() >= child.start_due
                if child.process is None and is_due and not self._stop.is_set():
                    child.start()
            self._stop.wait(_POLL_S)
        return max(status, self._end(children))

    def _end(self, children: Sequence[_Child]) -> int:
        for child in children:
            if child.process is not None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_DEADLINE_S
        ended_well = [child.end(deadline) for child in children]
        return 0 if all(ended_well) else 1


def child_command(number: int, host: str, port: int, grpc_port: int | str) -> list[str]:
    """How the supervisor starts a child."""
    return [
        sys.executable, "-m", "tachograph_collector.command", "--host", host, "--port", str(port),
        "--grpc-port", str(grpc_port), "--processes", "1", "--process", str(number),
    ]  # fmt: skip


def end_with_supervisor() -> None:
    """Stop this child like SIGTERM does when its supervisor is gone."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()
