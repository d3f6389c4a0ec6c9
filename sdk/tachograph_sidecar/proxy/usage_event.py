"""Asking an engine for token counts that the client did not ask for, unseen by the client.

An OpenAI stream tells its usage only when the request says `stream_options.include_usage`. The
sidecar may add that to the upstream request and must then withhold exactly the one event that the
engine adds for it. Which engines leave every other byte as it was is each adapter's knowledge.

vLLM (tried: 0.32.0) moves `system_fingerprint` from the chunk that ends the choice into that event.
It is put back where it stands without: the last chunk waits for the usage event, which follows at
once where there is one choice; requests for several are not changed.
"""

import json
import re

MAX_HELD_BYTES = 64 * 1024
"""An event longer than this is no usage event and passes as it comes."""

_OBJECT_START = re.compile(rb"[ \t\r\n]*\{[ \t\r\n]*")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_ENDS_CHOICE = re.compile(rb'"finish_reason"\s*:\s*"')
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_INSERTED = b'"stream_options":{"include_usage":true},'


def ask_for_usage(body: bytes) -> bytes | None:
    """The request body with `include_usage` asked for, or None where it must stay as it is.

    Left alone: no JSON object, no stream, several choices, or a client that spoke of
    `stream_options` itself. The rest of the body keeps its bytes.
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
    if "stream_options" in request or request.get("n") not in (None, 1):
        return None
    if isinstance(request.get("prompt"), list):
        return None
    return body[: start.end()] + _INSERTED + body[start.end() :]


class UsageFilter:
    """Passes a stream of server-sent events on, all but the one usage event.

    Only whole events pass, so a part of one waits here until its end arrives (engines write whole
    events) or until it is too long to be the usage event.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._last_events: list[bytes] = []  # from the end of the choice on
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
            passed += [event] if self._passing_long_event else self._take(event)
            self._passing_long_event = False
        del self._held[:start]
        if len(self._held) > MAX_HELD_BYTES:
            # keep two bytes back: they may be the first half of the event's end
            passed += [*self._release(), bytes(self._held[:-3])]
            del self._held[:-3]
            self._passing_long_event = True
        return b"".join(passed)

    def finish(self) -> bytes:
        """What was still held when the stream ended."""
        rest = b"".join([*self._release(), bytes(self._held)])
        self._held.clear()
        return rest

    def _take(self, event: bytes) -> list[bytes]:
        """The events that may go on now that this whole one came."""
        if self.withheld:
            return [event]
        usage = _usage_chunk(event)
        if usage is not None:
            self.withheld += 1
            fingerprint = usage.get("system_fingerprint")
            last = self._release()
            if isinstance(fingerprint, str) and last:
                last[0] = _with_fingerprint(last[0], fingerprint)
            return last
        ends = _ENDS_CHOICE.search(event) is not None and b'"system_fingerprint"' not in event
        if self._last_events or ends:
            self._last_events.append(event)
            is_too_much = sum(map(len, self._last_events)) > MAX_HELD_BYTES
            return self._release() if is_too_much or b"[DONE]" in event else []
        return [event]

    def _release(self) -> list[bytes]:
        events, self._last_events = self._last_events, []
        return events


def _with_fingerprint(event: bytes, fingerprint: str) -> bytes:
    """As its last member, where vLLM writes it."""
    before, brace, after = event.rpartition(b"}")
    member = json.dumps(fingerprint, ensure_ascii=False).encode()
    return before + b',"system_fingerprint":' + member + brace + after


def _usage_chunk(event: bytes) -> dict[str, object] | None:
    """The event's object if it is the usage event, else None."""
    if b'"usage"' not in event or _NO_CHOICES.search(event) is None:
        return None
    data = b"\n".join(
        line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")
    )
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        return None
    is_usage = (
        isinstance(chunk, dict)
        and chunk.get("choices") == []
        and isinstance(chunk.get("usage"), dict)
    )
    return chunk if is_usage else None
