"""Small messages to a sidecar on this machine: never waited for, counted when they are lost."""

import json
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

MAX_WAITING: Final = 1_024
_MAX_A_CALL: Final = 32
_RETRY_S: Final = 1.0


class StepSender:
    """Sends to the sidecar's socket; a full or absent one costs a counter, never time.

    Messages keep their borders (`SOCK_SEQPACKET`). Those that the kernel has no room for wait here
    for the next call, `MAX_WAITING` of them; one more is dropped. Calls come from one thread.

    Args:
        path: the Unix socket that the sidecar made (`--steps-socket`).
        retry_s: between two tries to reach a sidecar that is not there.
    """

    def __init__(self, path: str, retry_s: float = _RETRY_S) -> None:
        self._path = path
        self._retry_s = retry_s
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self._waiting: deque[bytes] = deque()
        self.sent = 0
        self.dropped = 0

    def send(self, message: Mapping[str, object]) -> bool:
        """Send one message as JSON, with `dropped` beside it; False when it was dropped."""
        if not self._connect() or len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            self._write()
            return False
        body = json.dumps({**message, "dropped": self.dropped}, separators=(",", ":"))
        self._waiting.append(body.encode())
        self._write()
        return True

    def close(self) -> None:
        """Let the connection go, and what waits; the next message makes another."""
        self.dropped += len(self._waiting)
        self._waiting.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> bool:
        if self._socket is not None:
            return True
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + self._retry_s
        tried = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            tried.setblocking(False)
            tried.connect(self._path)
        except OSError:
            tried.close()
            return False
        self._socket = tried
        return True

    def _write(self) -> None:
        """As much as the kernel takes now, oldest first."""
        try:
            for _ in range(min(_MAX_A_CALL, len(self._waiting))):
                if self._socket is None:
                    return
                self._socket.send(self._waiting[0])
                self._waiting.popleft()
                self.sent += 1
        except BlockingIOError:
            return
        except OSError:
            self.close()
