"""Types of the public surface: options, handles, and what they take and give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from tachograph._internal.delivery.books import Counts
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import AttributeValue

CaptureMode: TypeAlias = Literal["off", "metadata", "full"]
"""What of a call is recorded.

- `full`: everything, prompts, answers, arguments and results included.
- `metadata`: models, tokens, timings, finish reasons, tenant, user, session, variant, own
  attributes, error types; no text that a person or a model wrote.
- `off`: as `metadata`, and without user, session and own attributes.
"""

ProviderMode: TypeAlias = Literal["isolated", "global"]
"""`isolated`: our spans form their own traces and meet no other OpenTelemetry user in the
process. `global`: join the process's global TracerProvider (or make it, where there is none)."""

Mask: TypeAlias = Callable[[str], str]
"""Takes a text about to be recorded, returns what may be recorded."""

Messages: TypeAlias = str | Mapping[str, Any] | Sequence[Any]
"""A text, one chat message or several, in OpenAI's or OpenTelemetry's shape."""

Document: TypeAlias = str | Mapping[str, Any]
"""A text, or a mapping with `content` (or `text`) and optionally `id` and `score`."""


class Ids(NamedTuple):
    """Where we are in a trace."""

    trace_id: str
    """32 lower-case hex digits."""
    span_id: str
    """16 lower-case hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """Bounds of what one span may carry."""

    max_attribute_bytes: int = 1024 * 1024
    """A text longer than this (UTF-8 bytes) is cut, marked, and named in `tachograph.truncated`."""

    max_attributes: int = 256
    """Own attributes of one span; more are left out and named in `tachograph.truncated`. Model,
    tokens and timings do not count and are never pushed out."""


__all__ = [
    "AttributeValue",
    "CaptureMode",
    "Counts",
    "DeliveryOptions",
    "Document",
    "Ids",
    "LimitOptions",
    "Mask",
    "Messages",
    "ProviderMode",
]
