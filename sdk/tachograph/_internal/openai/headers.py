"""Request headers that join our span with the sidecar's and the engine's."""

import string
import uuid
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote

from opentelemetry.trace import SpanContext

from tachograph._internal.facts import Facts
from tachograph.semconv import headers
from tachograph.types import CaptureMode

_PLAIN: Final = "".join(c for c in string.printable if c.isprintable() and c != "%")


def joining_headers(
    app_headers: Mapping[str, object],
    default_names: Collection[str],
    *,
    span_context: SpanContext,
    facts: Facts,
    capture: CaptureMode,
    is_own: bool,
) -> tuple[dict[str, str], str | None]:
    """The headers to add, and the request id in use where it is known.

    A header that the application sets itself is left alone. Facts about people go only to
    engines of one's own (`is_own`); ids are random and go everywhere. Values are
    percent-encoded where they are not plain ASCII.
    """
    wanted = {headers.REQUEST_ID: uuid.uuid4().hex}
    if span_context.is_valid:
        wanted["traceparent"] = (
            f"00-{span_context.trace_id:032x}-{span_context.span_id:016x}"
            f"-{span_context.trace_flags:02x}"
        )
    if is_own:
        if capture == "off":
            wanted[headers.CONTENT_CAPTURE] = "off"
        said = {headers.VARIANT: facts.variant, headers.TENANT: facts.tenant}
        if capture != "off":
            said |= {headers.USER: facts.user, headers.SESSION: facts.session}
        wanted |= {name: quote(value, safe=_PLAIN) for name, value in said.items() if value}
    taken = {name.lower(): value for name, value in app_headers.items()}
    taken |= {name.lower(): None for name in default_names if name.lower() not in taken}
    added = {name: value for name, value in wanted.items() if name not in taken}
    request_id = added.get(headers.REQUEST_ID)
    if request_id is None and isinstance(taken.get(headers.REQUEST_ID), str):
        request_id = str(taken[headers.REQUEST_ID])
    return added, request_id
