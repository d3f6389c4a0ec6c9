"""Small messages to a sidecar on this machine: never waited for, counted when they are lost."""

import json
import socket
import time
from collections.abc import Mapping
from typing import Final

_RETRY_S: Final = 1.0


class StepSender:
    """Sends to the sidecar's socket; a full or absent one costs a counter, never time.

    Messages keep their borders (`SOCK_SEQPACKET`) and wait in the kernel, about two hundred of
    them; one more is dropped. Calls come from one thread.

    Args:
        path: the Unix socket that the sidecar made (`--steps-socket`).
        retry_s: between two tries to reach a sidecar that is not there.
    """

    def __init__(self, path: str, retry_s: float = _RETRY_S) -> None:
        self._path = path
        self._retry_s = retry_s
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self.sent = 0
        self.dropped = 0

    def send(self, message: Mapping[str, object]) -> bool:
        """Send one message as JSON, with `dropped` beside it; False when it was dropped."""
        try:
            is_sent = self._connect() and self._write(message)
        except (OSError, TypeError, ValueError):
            self.close()
            is_sent = False
        self.sent += is_sent
        self.dropped += not is_sent
        return is_sent

    def close(self) -> None:
        """Let the connection go; the next message makes another."""
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

    def _write(self, message: Mapping[str, object]) -> bool:
        if self._socket is None:
            return False
        body = json.dumps({**message, "dropped": self.dropped}, separators=(",", ":"))
        try:
            self._socket.send(body.encode())
        except BlockingIOError:
            return False
        return True
