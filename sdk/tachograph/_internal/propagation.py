"""Trace and facts as headers, and back."""

import re
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias, cast
from urllib.parse import quote, unquote_plus

from opentelemetry.trace import SpanContext, TraceFlags

from tachograph._internal.client import current_client
from tachograph._internal.errors import contained
from tachograph._internal.facts import context, current_facts, lowest
from tachograph.semconv import attributes
from tachograph.types import CaptureMode


class HeaderItems(Protocol):
    """A mapping of headers, or an `email.message.Message` of them."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Names and values."""


Headers: TypeAlias = HeaderItems | Iterable[tuple[Any, Any]]

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_MAX_BYTES: Final = 8192
"""Of a baggage header, as W3C Baggage limits it; a longer one is not read."""

_MAX_VALUE: Final = 512
_SAMPLED: Final = 0x01
# What a baggage value may hold as it is (W3C Baggage, `baggage-octet`, without the percent sign).
# Not the plus sign, which OpenTelemetry's Python writes for a space and reads as one.
_SAFE: Final = "!#$&'()*-./:<=>?@[]^_`{|}~"


def inject(carrier: dict[str, str] | None = None) -> dict[str, str]:
    """Add the headers of the current span and context to `carrier` (default: none); returns it.

    Baggage that is there already stays. Where capture is off, user and session stay out.
    """
    carrier = {} if carrier is None else carrier
    with contained("writing propagation headers"):
        client = current_client()
        if client is None:
            return carrier
        span = client.tracing.current_context()
        if span is not None:
            carrier["traceparent"] = (
                f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags & _SAMPLED:02x}"
            )
        around = current_facts()
        mode = client.capture if around.capture is None else lowest(around.capture, client.capture)
        said = {str(name): str(value) for name, value in around.attributes(mode).items()}
        if around.capture is not None:
            said[attributes.CONTENT_CAPTURE] = mode
        entries = [
            f"{name}={quote(value[:_MAX_VALUE], safe=_SAFE)}" for name, value in said.items()
        ]
        present = carrier.get("baggage")
        if isinstance(present, str) and present:
            entries.insert(0, present)
        if entries:
            carrier["baggage"] = ",".join(entries)
    return carrier


class extract:
    """Continue the trace and context that came with a request, inside a `with` block.

    `carrier` is a mapping of headers in any case (a WSGI environment too), or pairs of names and
    values as ASGI has them. What is absent or makes no sense is passed over. The capture mode that
    came along can only lower this process's.
    """

    def __init__(self, carrier: Headers) -> None:
        self._carrier = carrier
        self._stack = ExitStack()

    def __enter__(self) -> None:
        with contained("reading propagation headers"):
            client = current_client()
            if client is None:
                return
            found = _headers(self._carrier)
            parent = _parent(found.get("traceparent", ""))
            if parent is not None:
                tracing = client.tracing
                self._stack.callback(tracing.release, tracing.adopt(parent))
            said = _baggage(found.get("baggage", ""))
            capture = said.get(attributes.CONTENT_CAPTURE)
            self._stack.enter_context(
                context(
                    tenant=said.get(attributes.TENANT),
                    user=said.get(attributes.USER_ID),
                    session=said.get(attributes.SESSION_ID),
                    variant=said.get(attributes.VARIANT),
                    capture=None if capture is None else cast(CaptureMode, capture),
                )
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contained("leaving a propagated context"):
            self._stack.close()


def _headers(carrier: Any) -> dict[str, str]:
    items = getattr(carrier, "items", None)  # `email.message.Message` has it and is no Mapping
    pairs = items() if callable(items) else carrier
    found: dict[str, str] = {}
    for name, value in pairs:
        key = _text(name).lower().removeprefix("http_")
        if key in ("traceparent", "baggage"):
            text = _text(value)
            found[key] = f"{found[key]},{text}" if key in found and key == "baggage" else text
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _parent(header: str) -> SpanContext | None:
    match = _TRACEPARENT.fullmatch(header.strip())
    if match is None or header.startswith("ff"):
        return None
    flags = TraceFlags(int(match[3], 16) & _SAMPLED)
    parent = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=flags)
    return parent if parent.is_valid else None


def _baggage(header: str) -> dict[str, str]:
    if len(header) > _MAX_BYTES:
        return {}
    found: dict[str, str] = {}
    for entry in header.split(","):
        name, _, value = entry.partition(";")[0].partition("=")
        if value:
            found[name.strip()] = unquote_plus(value.strip(), errors="replace")[:_MAX_VALUE]
    return found
