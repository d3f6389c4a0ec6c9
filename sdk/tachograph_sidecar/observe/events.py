"""Streams cut into events, whatever the pieces they arrive in: server-sent events, JSON lines."""

from typing import Protocol

MAX_EVENT_BYTES = 1024 * 1024
"""A longer event is skipped to its end, so that a garbage stream cannot fill the memory."""

_BOM = b"\xef\xbb\xbf"


class EventParser(Protocol):
    """Turns bytes as they arrive into the data of whole events."""

    def feed(self, data: bytes) -> list[bytes]: ...

    def finish(self) -> list[bytes]: ...


class _Lines:
    """Splits at LF, CRLF and (for SSE) CR; keeps the unfinished rest, bounded."""

    def __init__(self, *, splits_at_cr: bool) -> None:
        self._splits_at_cr = splits_at_cr
        self._rest = bytearray()
        self._skips_lf = False  # the last line ended in CR: an LF right after it belongs to it
        self.is_oversized = False

    def feed(self, data: bytes) -> list[bytes]:
        if self._skips_lf and data:
            data = data.removeprefix(b"\n")
            self._skips_lf = False
        if self._splits_at_cr:
            if data.endswith(b"\r"):
                self._skips_lf = True
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = data.split(b"\n")
        if not whole:
            self._grow(rest)
            return []
        self._grow(whole[0])
        lines = [bytes(self._rest), *whole[1:]]
        self._rest = bytearray(rest)
        return lines

    def finish(self) -> bytes:
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _grow(self, data: bytes) -> None:
        if len(self._rest) + len(data) > MAX_EVENT_BYTES:
            self._rest.clear()
            self.is_oversized = True
        else:
            self._rest += data


class ServerSentEvents:
    """The `data` of server-sent events, by the WHATWG rules; other fields are not needed here."""

    def __init__(self) -> None:
        self._lines = _Lines(splits_at_cr=True)
        self._data: list[bytes] = []
        self._size = 0
        self._is_first = True

    def feed(self, data: bytes) -> list[bytes]:
        events: list[bytes] = []
        for line in self._lines.feed(data):
            if self._is_first:
                line = line.removeprefix(_BOM)
                self._is_first = False
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                self._data = []
                self._size = 0
            elif line.startswith(b"data:"):
                self._add(line[5:].removeprefix(b" "))
            elif line == b"data":
                self._add(b"")
        return events

    def finish(self) -> list[bytes]:
        """The standard drops an event that the end of the stream cut off."""
        return []

    def _add(self, value: bytes) -> None:
        self._size += len(value)
        if self._size <= MAX_EVENT_BYTES:
            self._data.append(value)


class JsonLines:
    """One JSON value a line, as Ollama streams."""

    def __init__(self) -> None:
        self._lines = _Lines(splits_at_cr=False)

    def feed(self, data: bytes) -> list[bytes]:
        return [line for line in map(bytes.strip, self._lines.feed(data)) if line]

    def finish(self) -> list[bytes]:
        """The last line needs no line feed."""
        rest = self._lines.finish().strip()
        return [rest] if rest else []
