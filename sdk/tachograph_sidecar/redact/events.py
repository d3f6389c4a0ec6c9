"""Filters of streamed answers: server-sent events, and JSON lines (Ollama).

Events keep their order, their other lines and their line ends; comments and events that hold
nothing to redact pass byte for byte.
"""

import json
import re
from typing import Any, Final

from tachograph_detectors.redact import Redactor
from tachograph_sidecar.redact.body import TextFilter
from tachograph_sidecar.redact.deltas import Deltas
from tachograph_sidecar.redact.strings import encoded

MAX_EVENT_BYTES: Final = 1024 * 1024
"""An event longer than this is redacted as text, while it passes."""

_EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r(?!\n)")
_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_NAME: Final = re.compile(rb"^(event: ?)[^\r\n]*", re.MULTILINE)
_TYPE: Final = re.compile(rb'\{\s*"type":\s*"([a-z._]{1,64})"')


class _Framed:
    """What both framings share: whole frames are changed, the part of one waits."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._deltas = Deltas(redactor)
        self._held = bytearray()
        self._text: TextFilter | None = None  # passes the rest of a frame that is too long

    def _changed(self, value: Any) -> list[bytes] | None:
        """The events in place of one, as JSON; None where it stays as it is."""
        events = self._deltas.event(value)
        if events == [value]:
            return None
        return [encoded(event) for event in events]

    def _too_long(self) -> bytes:
        if len(self._held) <= MAX_EVENT_BYTES:
            return b""
        self._text = TextFilter(self._redactor, escapes=True)
        held = bytes(self._held)
        self._held.clear()
        return self._text.feed(held)


class EventFilter(_Framed):
    """A stream of server-sent events."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(redactor)
        self._end = b"\n\n"

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they came; return the events that are whole."""
        self._held += data
        passed: list[bytes] = []
        start = 0
        for match in _EVENT_END.finditer(self._held):
            # a CR at the very end may be the first half of CRLF
            if match.group() == b"\r\r" and match.end() == len(self._held):
                break
            frame, self._end = bytes(self._held[start : match.start()]), match.group()
            start = match.end()
            if self._text is not None:
                passed += (self._text.feed(frame), self._text.finish(), self._end)
                self._text = None
            else:
                passed.append(self._frame(frame))
        del self._held[:start]
        if self._text is not None:
            passed.append(self._text.feed(bytes(self._held)))
            self._held.clear()
        else:
            passed.append(self._too_long())
        return b"".join(passed)

    def finish(self) -> bytes:
        """The texts that no event ended, and a frame that the stream cut short."""
        if self._text is not None:
            return self._text.feed(bytes(self._held)) + self._text.finish()
        cut = bytes(self._held)
        self._held.clear()
        last = self._frame(cut)[: -len(self._end)] if cut else b""
        rest = self._rest()
        return last + (self._end if last and rest else b"") + rest

    def _frame(self, frame: bytes) -> bytes:
        lines = _LINE.findall(frame)
        data = b"\n".join(
            line[5:].strip(b"\r\n").removeprefix(b" ") for line in lines if line[:5] == b"data:"
        )
        if not data:
            return self._plain(frame) + self._end
        if data.strip() == b"[DONE]":
            return self._rest() + frame + self._end
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return self._plain(frame) + self._end
        changed = self._changed(value)
        if changed is None:
            return frame + self._end
        others = b"".join(line for line in lines if line[:5] != b"data:")
        if others and not others.endswith((b"\n", b"\r")):
            others += self._end[: len(self._end) // 2]
        heads = [*(_named(others, one) for one in changed[:-1]), others]
        return b"".join(
            head + b"data: " + one + self._end for head, one in zip(heads, changed, strict=True)
        )

    def _plain(self, frame: bytes) -> bytes:
        text = TextFilter(self._redactor)
        return text.feed(frame) + text.finish()

    def _rest(self) -> bytes:
        return b"".join(b"data: " + encoded(event) + self._end for event in self._deltas.rest())


def _named(lines: bytes, data: bytes) -> bytes:
    """The lines beside the data of an event that was put before another: its name is its own."""
    kind = _TYPE.match(data)
    return lines if kind is None else _NAME.sub(rb"\g<1>" + kind[1], lines)


class LinesFilter(_Framed):
    """JSON lines."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they came; return the lines that are whole."""
        self._held += data
        passed: list[bytes] = []
        *lines, rest = bytes(self._held).split(b"\n")
        for line in lines:
            if self._text is not None:
                passed += (self._text.feed(line), self._text.finish(), b"\n")
                self._text = None
            else:
                passed.append(self._line(line) + b"\n")
        self._held = bytearray(rest)
        if self._text is not None:
            passed.append(self._text.feed(rest))
            self._held.clear()
        else:
            passed.append(self._too_long())
        return b"".join(passed)

    def finish(self) -> bytes:
        """A last line without its end, and the texts that no line ended."""
        if self._text is not None:
            return self._text.feed(bytes(self._held)) + self._text.finish()
        last = self._line(bytes(self._held)) if self._held else b""
        self._held.clear()
        rest = b"".join(encoded(event) + b"\n" for event in self._deltas.rest())
        return last + (b"\n" if last and rest else b"") + rest

    def _line(self, line: bytes) -> bytes:
        if not line.strip():
            return line
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            text = TextFilter(self._redactor)
            return text.feed(line) + text.finish()
        changed = self._changed(value)
        return line if changed is None else b"\n".join(changed)
