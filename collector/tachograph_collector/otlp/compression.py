"""Bounded decompression of request bodies."""

import zlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

from tachograph_collector.errors import malformed, too_large, unsupported_media

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ZSTD_WINDOW_LOG = 23  # 8 MiB, what the coding `zstd` of HTTP may ask for (RFC 9659)
_MAX_MEMBERS = (
    64  # each member copies the rest of the body: a million empty ones would be an attack
)


class _Member(Protocol):
    """One gzip member or zstd frame, being decompressed."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _gzip_member() -> _Member:
    return zlib.decompressobj(_GZIP_WINDOW)


def _zstd_frame() -> _Member:
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})


_ENCODINGS: Final[Mapping[str, Callable[[], _Member]]] = {
    "gzip": _gzip_member,
    "zstd": _zstd_frame,
}


def decompress(body: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    """Return the body without its Content-Encoding, never holding more than `limit_bytes`.

    Raises `ApiError` 413 beyond the limit, 400 for a broken body, 415 for another encoding.
    """
    encoding = content_encoding.strip().lower()
    if encoding in ("", "identity"):
        if len(body) > limit_bytes:
            raise too_large(limit_bytes, "max_body_bytes", "the body")
        return body
    new_member = _ENCODINGS.get(encoding)
    if new_member is None:
        accepted = ", ".join((*_ENCODINGS, "identity"))
        raise unsupported_media("content-encoding", content_encoding, accepted)
    content = _members(body, encoding, new_member, limit_bytes)
    if content is None:
        # Raised here, where no frame of the traceback holds what was decompressed.
        raise too_large(limit_bytes, "max_body_bytes", "the decompressed body")
    return content


def _members(
    body: bytes, encoding: str, new_member: Callable[[], _Member], limit_bytes: int
) -> bytes | None:
    """All members in one; None beyond the limit."""
    parts: list[bytes] = []
    size = 0
    rest = body
    while rest:
        if len(parts) == _MAX_MEMBERS:
            raise malformed(f"the {encoding} body has more than {_MAX_MEMBERS} members")
        member = new_member()
        try:
            part = member.decompress(rest, limit_bytes - size + 1)
        except (zlib.error, ZstdError) as error:
            raise malformed(f"the body is not valid {encoding}: {error}") from error
        size += len(part)
        if size > limit_bytes:
            return None
        if not member.eof:
            raise malformed(f"the {encoding} body ends in the middle")
        parts.append(part)
        rest = member.unused_data
    if not parts:
        raise malformed(f"the {encoding} body is empty")
    return parts[0] if len(parts) == 1 else b"".join(parts)
