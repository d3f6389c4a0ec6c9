"""Bounded decompression of request bodies."""

import zlib

from tachograph_collector.errors import malformed, too_large, unsupported_media

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_MAX_MEMBERS = (
    64  # each member copies the rest of the body: a million empty ones would be an attack
)


def decompress(body: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    """Return the body without its Content-Encoding, never holding more than `limit_bytes`.

    Raises `ApiError` 413 beyond the limit, 400 for broken gzip, 415 for another encoding.
    """
    encoding = content_encoding.strip().lower()
    if encoding in ("", "identity"):
        if len(body) > limit_bytes:
            raise too_large(limit_bytes, "max_body_bytes", "the body")
        return body
    if encoding != "gzip":
        raise unsupported_media("content-encoding", content_encoding, "gzip, identity")
    return _gunzip(body, limit_bytes)


def _gunzip(body: bytes, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    rest = body
    while rest:
        if len(parts) == _MAX_MEMBERS:
            raise malformed(f"the gzip body has more than {_MAX_MEMBERS} members")
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = member.decompress(rest, limit_bytes - size + 1)
        except zlib.error as error:
            raise malformed(f"the body is not valid gzip: {error}") from error
        size += len(part)
        if size > limit_bytes:
            raise too_large(limit_bytes, "max_body_bytes", "the decompressed body")
        if not member.eof:
            raise malformed("the gzip body ends in the middle")
        parts.append(part)
        rest = member.unused_data
    if not parts:
        raise malformed("the gzip body is empty")
    return parts[0] if len(parts) == 1 else b"".join(parts)
