"""Small GETs to the engine from the watcher's thread: bounded in time and size."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from tachograph_sidecar.proxy.pool import Upstream

MAX_PAGE_BYTES = 8 * 1024 * 1024
TIMEOUT_S = 3.0


class PageTooLarge(Exception):
    """The page is longer than MAX_PAGE_BYTES."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the engine's: its status, its `Server` header, its text."""

    status: int
    server: str
    text: str


def get(upstream: Upstream, path: str) -> Page | None:
    """GET one page; None when the engine does not answer in HTTP.

    Raises PageTooLarge.
    """
    connection = (
        http.client.HTTPSConnection(
            upstream.host, upstream.port, timeout=TIMEOUT_S, context=ssl.create_default_context()
        )
        if upstream.scheme == "https"
        else http.client.HTTPConnection(upstream.host, upstream.port, timeout=TIMEOUT_S)
    )
    try:
        connection.request("GET", upstream.prefix + path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(MAX_PAGE_BYTES + 1)
        server = answer.getheader("Server") or ""
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    if len(body) > MAX_PAGE_BYTES:
        raise PageTooLarge(f"{path} is longer than {MAX_PAGE_BYTES} bytes")
    return Page(answer.status, server, body.decode("utf-8", "replace"))


def get_object(upstream: Upstream, path: str) -> Mapping[str, object]:
    """GET one JSON object; empty when the engine gives none, or one that is too large."""
    try:
        page = get(upstream, path)
    except PageTooLarge:
        return {}
    return {} if page is None or page.status != 200 else object_of(page.text)


def object_of(text: str) -> dict[str, object]:
    """The JSON object of a page; empty when it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
