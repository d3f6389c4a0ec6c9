"""Which filter an answer goes through, by what its head says."""

import json
from typing import Final

from tachograph_detectors.redact import Redactor
from tachograph_sidecar.proxy.head import Header
from tachograph_sidecar.redact.body import BodyFilter, JsonFilter, TextFilter
from tachograph_sidecar.redact.events import EventFilter, LinesFilter

_LINES: Final = (b"application/x-ndjson", b"application/jsonl", b"application/x-jsonlines")


class Withheld:
    """Stands in for an answer that cannot be redacted: its bytes are dropped."""

    def __init__(self, reason: str) -> None:
        self._error = {"message": reason, "type": "unredactable"}

    def feed(self, data: bytes) -> bytes:
        return b""

    def finish(self) -> bytes:
        return json.dumps({"error": self._error}).encode()


def is_encoded(fields: list[Header]) -> bool:
    """Whether the body is compressed, though the request asked for it plain."""
    return any(
        name.lower() == b"content-encoding" and value.strip().lower() not in (b"", b"identity")
        for name, value in fields
    )


def filter_for(redactor: Redactor, fields: list[Header]) -> BodyFilter | None:
    """The filter of an answer with this head; None for what holds no text (audio, images)."""
    content_type = b""
    for name, value in fields:
        if name.lower() == b"content-type":
            content_type = value.partition(b";")[0].strip().lower()
    if content_type == b"text/event-stream":
        return EventFilter(redactor)
    if content_type in _LINES:
        return LinesFilter(redactor)
    if content_type == b"application/json" or content_type.endswith(b"+json"):
        return JsonFilter(redactor)
    if not content_type or content_type.startswith(b"text/"):
        return TextFilter(redactor)
    return None
