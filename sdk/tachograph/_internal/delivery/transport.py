"""One kept-alive HTTP connection to the collector, on the standard library alone.

The standard client and not `requests`: importing that costs 100 ms, and it reads ~/.netrc, whose
entries would replace the Authorization header. Even the standard one takes 25 ms to import, with
ssl and email behind it: it is imported when a client is made, not with the package.
"""

import gzip
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import http.client

MAX_RESPONSE_BYTES = 64 * 1024
_RETRYABLE_STATUS = frozenset({429, 502, 503, 504})  # OTLP/HTTP specification


class Verdict(Enum):
    """What an export attempt came to."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # the collector asks to come again
    UNREACHABLE = "unreachable"  # no answer, or none that is HTTP
    TOO_LARGE = "too_large"  # 413: try smaller batches
    REFUSED = "refused"  # any other status: sending again cannot help


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one POST."""

    verdict: Verdict
    status: int | None = None
    body: bytes = b""
    retry_after_s: float | None = None
    error: str = ""


class Transport:
    """Posts OTLP bodies. Used by the delivery thread only, except `abort`."""

    def __init__(
        self,
        endpoint: str,
        *,
        headers: dict[str, str],
        timeout_s: float,
        is_compressed: bool,
        ca_file: str | None = None,
    ) -> None:
        import http.client

        self._http = http.client
        parts = urlsplit(endpoint)
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if self._is_tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._is_compressed = is_compressed
        self._ca_file = ca_file
        self._headers = {**headers, "Content-Type": "application/x-protobuf"}
        if is_compressed:
            self._headers["Content-Encoding"] = "gzip"
        self._connection: http.client.HTTPConnection | None = None
        self._is_aborted = False

    @property
    def address(self) -> str:
        """Host and port, for messages; never credentials."""
        return f"{self._host}:{self._port}"

    def packed(self, body: bytes) -> bytes:
        """`body` as `post` takes it: compressed where that is wanted."""
        return gzip.compress(body, compresslevel=1) if self._is_compressed else body

    @property
    def is_compressed(self) -> bool:
        """Does `packed` compress?"""
        return self._is_compressed

    @property
    def is_aborted(self) -> bool:
        """Was `abort` called?"""
        return self._is_aborted

    def post(self, path: str, body: bytes) -> Answer:
        """POST a packed body to endpoint + `path`; never raises for what the network does."""
        is_reused = self._connection is not None
        answer = self._post_once(path, body)
        if answer.verdict is Verdict.UNREACHABLE and is_reused and not self._is_timeout(answer):
            # A server may close an idle connection at any time; that is no failure.
            answer = self._post_once(path, body)
        return answer

    def abort(self) -> None:
        """Break a POST that is under way in another thread, and let none begin."""
        self._is_aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next POST opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def forget(self) -> None:
        """In a forked child: let go of the parent's connection without touching its state.

        Closing it properly could wait for a lock that a thread of the parent held at the fork.
        """
        connection, self._connection = self._connection, None
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                os.close(connection.sock.detach())

    def _post_once(self, path: str, body: bytes) -> Answer:
        if self._is_aborted:
            return Answer(Verdict.UNREACHABLE, error="Aborted")
        try:
            connection = self._connected()
            connection.request("POST", self._prefix + path, body, self._headers)
            response = connection.getresponse()
            content = response.read(MAX_RESPONSE_BYTES)
            retry_after = response.getheader("Retry-After")
            if response.will_close or not response.isclosed():
                self.close()
        except (OSError, self._http.HTTPException) as error:
            self.close()
            return Answer(Verdict.UNREACHABLE, error=type(error).__name__)
        status = response.status
        if 200 <= status < 300:
            return Answer(Verdict.ACCEPTED, status, content)
        if status in _RETRYABLE_STATUS:
            return Answer(Verdict.RETRY, status, retry_after_s=retry_after_seconds(retry_after))
        return Answer(Verdict.TOO_LARGE if status == 413 else Verdict.REFUSED, status)

    @staticmethod
    def _is_timeout(answer: Answer) -> bool:
        return answer.error == TimeoutError.__name__

    def _connected(self) -> "http.client.HTTPConnection":
        if self._connection is None:
            if self._is_tls:
                import ssl

                self._connection = self._http.HTTPSConnection(
                    self._host,
                    self._port,
                    timeout=self._timeout_s,
                    context=ssl.create_default_context(cafile=self._ca_file),
                )
            else:
                self._connection = self._http.HTTPConnection(
                    self._host, self._port, timeout=self._timeout_s
                )
        return self._connection


def retry_after_seconds(value: str | None) -> float | None:
    """A Retry-After header (seconds or an HTTP date) as seconds from now; None: none, or bad."""
    if value is None:
        return None
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    import email.utils

    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
