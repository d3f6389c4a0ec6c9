"""Request and response heads: what is kept, what belongs to one hop only, how they are written."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tachograph.semconv import headers

Header = tuple[bytes, bytes]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 7.6.1: they speak of one connection and are made anew on the next."""

OWN_REQUEST_HEADERS = frozenset(
    name.encode()
    for name in (
        headers.TENANT,
        headers.USER,
        headers.SESSION,
        headers.VARIANT,
        headers.CONTENT_CAPTURE,
        headers.PRIORITY,
    )
)
"""Meant for the sidecar alone; the engine never sees them."""

_DECIMAL = re.compile(rb"[0-9]{1,18}")


class BadFraming(ValueError):
    """A head whose message length is ambiguous: forwarding it would invite request smuggling."""


@dataclass(slots=True)
class Framing:
    """How the end of a message body is found: by length, by chunks, or (both None) otherwise."""

    length: int | None
    is_chunked: bool


@dataclass(slots=True)
class RequestHead:
    """A request line and its headers, names in lower case, values as sent."""

    method: bytes
    target: bytes
    is_http_10: bool
    keep_alive: bool
    headers: list[Header]
    framing: Framing

    def get(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def has_body(self) -> bool:
        return self.framing.is_chunked or bool(self.framing.length)


def framing_of(fields: Iterable[Header]) -> Framing:
    """The one framing that a message's headers state.

    Raises BadFraming where two readers could disagree: length and chunks together, two lengths,
    a length that is no plain number, a transfer coding other than `chunked` alone.
    """
    length: int | None = None
    is_chunked = False
    for name, value in fields:
        if name == b"content-length":
            if length is not None or not _DECIMAL.fullmatch(value):
                raise BadFraming("Content-Length is given twice or is not a plain number")
            length = int(value)
        elif name == b"transfer-encoding":
            if is_chunked or value.strip().lower() != b"chunked":
                raise BadFraming("Transfer-Encoding is given twice or is not `chunked` alone")
            is_chunked = True
    if is_chunked and length is not None:
        raise BadFraming("Content-Length and Transfer-Encoding contradict each other")
    return Framing(length, is_chunked)


def connection_tokens(fields: Iterable[Header]) -> frozenset[bytes]:
    """The header names that `Connection` declares to be of this hop only, in lower case."""
    return frozenset(
        token.strip().lower()
        for name, value in fields
        if name == b"connection"
        for token in value.split(b",")
    )


def end_to_end(fields: Sequence[Header], drop: frozenset[bytes]) -> list[Header]:
    """The headers that travel on: without hop-by-hop ones and those in `drop`."""
    private = HOP_BY_HOP | connection_tokens(fields) | drop
    return [(name, value) for name, value in fields if name.lower() not in private]


def write_head(start_line: bytes, fields: Iterable[Header]) -> bytes:
    """A head as bytes, blank line included."""
    lines = [start_line]
    lines.extend(name + b": " + value for name, value in fields)
    return b"\r\n".join(lines) + b"\r\n\r\n"
