"""Whether a service that listens still answers, asked without holding up the supervisor's loop."""

import socket
import time
from urllib.parse import urlsplit


class HttpLiveness:
    """Any answer to a GET will do: a service that says that it has a problem is not hung."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._request = (
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        ).encode()
        self._timeout_s = timeout_s
        self._deadline_s = 0.0
        self._socket: socket.socket | None = None
        self._is_asked = False

    def check(self) -> bool | None:
        """True: it answered; False: not in time, or it listens no more; None: still waiting."""
        answered: bool | None
        try:
            answered = self._look()
        except BlockingIOError:
            answered = None if time.monotonic() < self._deadline_s else False
        except OSError:
            answered = False
        if answered is not None:
            self.cancel()
        return answered

    def _look(self) -> bool:
        """Raises `BlockingIOError` where there is nothing yet."""
        if self._socket is None:
            self._deadline_s = time.monotonic() + self._timeout_s
            self._is_asked = False
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._socket.setblocking(False)
            self._socket.connect(self._address)
        if not self._is_asked:
            self._socket.send(self._request)
            self._is_asked = True
        return bool(self._socket.recv(1))

    def cancel(self) -> None:
        """Drop what is under way."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
