"""Request bodies decompressed in bounded steps, response blocks compressed when asked for."""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from importlib import import_module
from importlib.util import find_spec

from tachograph_store.embedded.exceptions import BAD_ARGUMENTS, TOO_MANY_BYTES, EngineException

_STEP_BYTES = 1 << 20


class _Decompressor(Protocol):
    eof: bool
    needs_input: bool

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Zlib:
    """zlib's object in the shape of the others; `wbits` 47 detects gzip and zlib by itself."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=47)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": _Zlib,
    "deflate": _Zlib,
    "zstd": zstd.ZstdDecompressor,
}
if find_spec("lz4") is not None:
    # clickhouse-connect brings lz4, and compresses with it by default, below Python 3.14.
    _DECOMPRESSORS["lz4"] = import_module("lz4.frame").LZ4FrameDecompressor


class BodyDecoder:
    """Turns the chunks of a request body into plain bytes, at most `max_bytes` in all."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._decompressor: _Decompressor | None = None
        if encoding not in ("", "identity"):
            if encoding not in _DECOMPRESSORS:
                raise EngineException.of(
                    BAD_ARGUMENTS,
                    f"Content-Encoding {encoding!r}: use one of {', '.join(_DECOMPRESSORS)}",
                )
            self._decompressor = _DECOMPRESSORS[encoding]()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The plain bytes of a chunk, piece by piece so that a bomb cannot fill the memory.

        Raises:
            EngineException: 307 above the limit, 36 for a broken stream.
        """
        if self._decompressor is None:
            yield self._counted(chunk)
            return
        data = chunk
        while not self._decompressor.eof:
            try:
                plain = self._decompressor.decompress(data, _STEP_BYTES)
            except (zlib.error, zstd.ZstdError, RuntimeError) as error:
                raise EngineException.of(
                    BAD_ARGUMENTS, f"broken compressed body: {error}"
                ) from None
            data = b""
            if plain:
                yield self._counted(plain)
            if self._decompressor.needs_input and not plain:
                return

    def _counted(self, plain: bytes) -> bytes:
        self._left -= len(plain)
        if self._left < 0:
            raise EngineException.of(TOO_MANY_BYTES, f"a body above {self._max_bytes} bytes")
        return plain


class BodyEncoder(Protocol):
    """Compresses a response block by block."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def response_encoder(accept_encoding: str) -> tuple[str, BodyEncoder] | None:
    """The first encoding that the client accepts and we have, with its encoder."""
    accepted = {item.split(";")[0].strip() for item in accept_encoding.split(",")}
    if "zstd" in accepted:
        return "zstd", zstd.ZstdCompressor()
    if "gzip" in accepted:
        return "gzip", zlib.compressobj(level=1, wbits=31)
    return None
