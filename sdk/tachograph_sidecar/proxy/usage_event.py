"""Asking an engine for token counts that the client did not ask for, unseen by the client.

An OpenAI stream tells its usage only when the request says `stream_options.include_usage`. The
sidecar may add that to the upstream request and must then withhold exactly the one event that the
engine adds for it. Which engines leave every other byte as it was is each adapter's knowledge.
"""

import json
import re

MAX_HELD_BYTES = 64 * 1024
"""An event longer than this is no usage event and passes as it comes."""

_OBJECT_START = re.compile(rb"[ \t\r\n]*\{[ \t\r\n]*")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_INSERTED = b'"stream_options":{"include_usage":true},'


def ask_for_usage(body: bytes) -> bytes | None:
    """The request body with `include_usage` asked for, or None where it must stay as it is.

    Left alone: no JSON object, no stream, or a client that spoke of `stream_options` itself. The
    rest of the body keeps its bytes.
    """
    start = _OBJECT_START.match(body)
    if start is None:
        return None
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or request.get("stream") is not True:
        return None
    if "stream_options" in request:
        return None
    return body[: start.end()] + _INSERTED + body[start.end() :]


class UsageFilter:
    """Passes a stream of server-sent events on, all but the one usage event.

    Only whole events pass, so a part of one waits here until its end arrives (engines write whole
    events) or until it is too long to be the usage event.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._passing_long_event = False
        self.withheld = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they came; return those that may go on now."""
        self._held += data
        passed: list[bytes] = []
        start = 0
        for match in _EVENT_END.finditer(self._held):
            # a CR at the very end may be the first half of CRLF
            if match.group() == b"\r\r" and match.end() == len(self._held):
                break
            event = bytes(self._held[start : match.end()])
            start = match.end()
            if not self._passing_long_event and self.withheld == 0 and _is_usage(event):
                self.withheld += 1
            else:
                passed.append(event)
            self._passing_long_event = False
        del self._held[:start]
        if len(self._held) > MAX_HELD_BYTES:
            # keep two bytes back: they may be the first half of the event's end
            passed.append(bytes(self._held[:-3]))
            del self._held[:-3]
            self._passing_long_event = True
        return b"".join(passed)

    def finish(self) -> bytes:
        """What was still held when the stream ended."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


def _is_usage(event: bytes) -> bool:
    if b'"usage"' not in event or _NO_CHOICES.search(event) is None:
        return False
    data = b"\n".join(
        line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")
    )
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(chunk, dict)
        and chunk.get("choices") == []
        and isinstance(chunk.get("usage"), dict)
    )
