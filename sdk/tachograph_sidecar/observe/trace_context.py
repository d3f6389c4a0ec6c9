"""W3C trace context: the client's trace continues through the sidecar to the engine."""

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Ids of the sidecar's span; `parent_id` is the client's span, None for a new trace."""

    trace_id: int
    span_id: int
    parent_id: int | None

    @property
    def traceparent(self) -> bytes:
        """The header that the engine receives."""
        return b"00-%032x-%016x-01" % (self.trace_id, self.span_id)


def continue_trace(traceparent: bytes | None) -> TraceContext:
    """A span of the caller's trace, or of a new one where the header is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
    if match is not None and match[1] != b"ff" and (match[1] != b"00" or match[5] is None):
        trace_id, parent_id = int(match[2], 16), int(match[3], 16)
        if trace_id and parent_id:
            return TraceContext(trace_id, _new_id(8), parent_id)
    return TraceContext(_new_id(16), _new_id(8), None)


def _new_id(size: int) -> int:
    return int.from_bytes(secrets.token_bytes(size), "big") or 1
