"""Filters of a whole answer: fed bytes as they come, they give back what may go on."""

import codecs
import json
from typing import Final, Protocol

from tachograph_detectors.redact import Redactor
from tachograph_detectors.stream import StreamRedactor
from tachograph_sidecar.redact.strings import encoded, redacted

MAX_WHOLE_BYTES: Final = 16 * 1024 * 1024
"""A JSON answer up to this size is held and redacted inside its strings; a longer one is redacted
as the text that it is, while it passes."""


class BodyFilter(Protocol):
    """What stands between the engine's body and the client's."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they came; return those that may go on now."""

    def finish(self) -> bytes:
        """The rest, when the body has ended."""


class Chain:
    """One filter after another."""

    def __init__(self, *filters: BodyFilter) -> None:
        self._filters = filters

    def feed(self, data: bytes) -> bytes:
        for one in self._filters:
            data = one.feed(data)
        return data

    def finish(self) -> bytes:
        rest = b""
        for one in self._filters:
            rest = one.feed(rest) + one.finish()
        return rest


class TextFilter:
    """Any text, redacted in a window; `escapes` where it is the inside of JSON."""

    def __init__(self, redactor: Redactor, *, escapes: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._stream = StreamRedactor(redactor, escapes=escapes)

    def feed(self, data: bytes) -> bytes:
        return self._stream.feed(self._decoder.decode(data)).encode("utf-8", "surrogateescape")

    def finish(self) -> bytes:
        rest = self._stream.feed(self._decoder.decode(b"", True)) + self._stream.finish()
        return rest.encode("utf-8", "surrogateescape")


class JsonFilter:
    """One JSON value, held until it is whole; bytes stay as they were where nothing is found."""

    def __init__(self, redactor: Redactor, max_bytes: int = MAX_WHOLE_BYTES) -> None:
        self._redactor = redactor
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._text: TextFilter | None = None

    def feed(self, data: bytes) -> bytes:
        if self._text is not None:
            return self._text.feed(data)
        self._held += data
        if len(self._held) <= self._max_bytes:
            return b""
        return self._as_text()

    def finish(self) -> bytes:
        if self._text is not None:
            return self._text.finish()
        body = bytes(self._held)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            text = TextFilter(self._redactor, escapes=True)
            return text.feed(body) + text.finish()
        clean = redacted(value, self._redactor)
        return body if clean == value else encoded(clean)

    def _as_text(self) -> bytes:
        self._text = TextFilter(self._redactor, escapes=True)
        held, self._held = bytes(self._held), bytearray()
        return self._text.feed(held)
