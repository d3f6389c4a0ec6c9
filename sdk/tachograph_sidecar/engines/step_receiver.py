"""The Unix socket on which an engine's plugin tells its steps."""

import asyncio
import dataclasses
import os
import socket
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tachograph_sidecar.engines.steps import MAX_MESSAGE_BYTES, StepListener, read_step

MAX_SENDERS: Final = 64
"""Processes that may be connected: an API server each; one more is turned away."""

MAX_MESSAGES_A_TURN: Final = 64
"""Messages read of one sender before streams have their turn again."""

_BELIEVED_NS: Final = 5_000_000_000
"""A step's own time is believed so far from now: a container may have a clock of its own."""


class StepReceiver:
    """Listens for steps on the running event loop; what is no step is counted and forgotten.

    The socket's file is its owner's alone (0600): who may write to it may shift joules between
    requests.

    Args:
        path: the socket's file; a dead one in its place is replaced.
        listener: told of each step.
    """

    def __init__(self, path: Path, listener: StepListener) -> None:
        self._path = path
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._server: socket.socket | None = None
        self._dropped: dict[socket.socket, int] = {}  # by sender, as it says itself
        self._dropped_before = 0
        self.received = 0
        self.malformed = 0

    def start(self) -> None:
        """Raises OSError when the path cannot be had."""
        _remove_dead(self._path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            server.bind(str(self._path))
            server.listen(MAX_SENDERS)
        except OSError:
            server.close()
            raise
        finally:
            os.umask(mask)
        self._server = server
        self._loop.add_reader(server, self._accept)

    def stop(self) -> None:
        """Close the socket and remove its file."""
        if self._server is None:
            return
        for sender in list(self._dropped):
            self._let_go(sender)
        self._loop.remove_reader(self._server)
        self._server.close()
        self._server = None
        self._path.unlink(missing_ok=True)

    def state(self) -> Mapping[str, object]:
        """For `/_tachograph/state`."""
        return {
            "senders": len(self._dropped),
            "received": self.received,
            "malformed": self.malformed,
            "dropped_by_senders": self._dropped_before + sum(self._dropped.values()),
        }

    # ---

    def _accept(self) -> None:
        if self._server is None:
            return
        try:
            sender, _ = self._server.accept()
        except OSError:
            return
        if len(self._dropped) >= MAX_SENDERS:
            sender.close()
            return
        sender.setblocking(False)
        self._dropped[sender] = 0
        self._loop.add_reader(sender, self._read, sender)

    def _read(self, sender: socket.socket) -> None:
        for _ in range(MAX_MESSAGES_A_TURN):
            try:
                data = sender.recv(MAX_MESSAGE_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._let_go(sender)
                return
            self._take(sender, data)

    def _take(self, sender: socket.socket, data: bytes) -> None:
        step = read_step(data)
        if step is None:
            self.malformed += 1
            return
        now_ns = time.perf_counter_ns()
        if abs(now_ns - step.at_ns) > _BELIEVED_NS:
            step = dataclasses.replace(step, at_ns=now_ns)
        self.received += 1
        self._dropped[sender] = step.dropped
        self._listener.step(step)

    def _let_go(self, sender: socket.socket) -> None:
        self._loop.remove_reader(sender)
        self._dropped_before += self._dropped.pop(sender, 0)
        sender.close()


def _remove_dead(path: Path) -> None:
    """Remove a socket that nobody listens on. Raises OSError for a living one, or another file."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise FileExistsError(f"another process listens on {path}")
