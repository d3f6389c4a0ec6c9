"""One POST to one webhook, on a connection made to an address that was checked.

Built on http.client, whose `connect` is replaced whole: the socket goes to the checked address
while the Host header, TLS server name and certificate check keep the webhook's name. It follows
no redirect, reads no proxy settings, and ends when its deadline passes, however slowly the
receiver drips.
"""

import email.utils
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tachograph_evaluators.alerts.address import AddressRefused, Target, parse_target, resolve

TIMEOUT_S: Final = 15.0
MOST_RESPONSE_BYTES: Final = 1_024
MOST_EXCERPT_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an attempt ended. `error` is None exactly when the receiver answered 2xx."""

    http_status: int | None = None
    error: str | None = None
    retry_after_s: float | None = None


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allow_private: bool = False,
    ca_file: Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """POST the body; the answer says what came of it, and no failure of the far side raises.

    `timeout_s` bounds connecting, handshake, sending and reading together; resolving the name
    has the system resolver's own timeouts.
    """
    try:
        target = parse_target(url)
        addresses = resolve(target, allow_private=allow_private)
        context = ssl.create_default_context(cafile=ca_file) if target.scheme == "https" else None
    except AddressRefused as error:
        return Answer(error=f"not sent: {error}")
    except (OSError, UnicodeError) as error:
        return Answer(error=f"not sent: {_reason(error)}")
    connection = _CheckedConnection(target, addresses, context, timeout_s)
    try:
        connection.request("POST", target.request, body=body, headers=dict(headers))
        with connection.getresponse() as response:
            return _judged(response)
    except (OSError, http.client.HTTPException) as error:
        if connection.is_late or isinstance(error, TimeoutError):
            return Answer(error=f"no answer within {timeout_s:g} s")
        return Answer(error=_reason(error))
    finally:
        connection.end()


class _CheckedConnection(http.client.HTTPConnection):
    """Connects to the addresses given, in order, and to nothing else."""

    def __init__(
        self,
        target: Target,
        addresses: list[str],
        context: ssl.SSLContext | None,
        timeout_s: float,
    ) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        if context is not None:
            self.default_port = 443  # else the Host header would name the port
        self._addresses = addresses
        self._context = context
        self._deadline = time.monotonic() + timeout_s
        self._alarm: threading.Timer | None = None
        self.is_late = False

    def connect(self) -> None:
        failure: OSError = OSError("the name has no address")
        for address in self._addresses:
            try:
                self.sock = _connected(address, self.port, self._left_s())
                break
            except OSError as error:
                failure = error
        else:
            raise failure
        if self._context is not None:
            self.sock = self._context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
        self._alarm = threading.Timer(self._left_s(), self._give_up, [self.sock])
        self._alarm.daemon = True
        self._alarm.start()
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    def end(self) -> None:
        """Close for good. `close` is also called by http.client once the headers are read."""
        if self._alarm is not None:
            self._alarm.cancel()
        self.close()

    def _left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            self.is_late = True
            raise TimeoutError("timed out")
        return left_s

    def _give_up(self, sock: socket.socket) -> None:
        # A socket's own timeout starts anew with each byte. SSLSocket.shutdown would drop the
        # TLS state under the thread that reads: the plain one only wakes it with an end of file.
        self.is_late = True
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            pass  # closed in the meantime


def _connected(address: str, port: int, timeout_s: float) -> socket.socket:
    # Not socket.create_connection: it would ask the resolver again.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _judged(response: http.client.HTTPResponse) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(http_status=status)  # the status says all: what follows is not waited for
    if 300 <= status < 400:
        reason = "redirects are not followed"
    else:
        reason = _printable(response.read(MOST_RESPONSE_BYTES))
    return Answer(
        http_status=status,
        error=f"answered {status}" + (f": {reason}" if reason else ""),
        retry_after_s=_retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)),
    )


def _retry_after_s(value: str | None, now: datetime) -> float | None:
    if value is None:
        return None
    if value.strip().isdecimal() and len(value.strip()) <= 9:
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - now).total_seconds(), 0.0)


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return _printable(text.encode("utf-8", "replace"))


def _printable(raw: bytes) -> str:
    """A receiver's words are hostile: one short line, nothing but printable characters."""
    text = "".join(c if c.isprintable() else " " for c in raw.decode("utf-8", "replace"))
    return " ".join(text.split())[:MOST_EXCERPT_CHARACTERS]
