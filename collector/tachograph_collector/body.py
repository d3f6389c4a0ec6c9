"""Request bodies, read within limits of size and time."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from tachograph_collector.errors import ApiError, malformed, too_large
from tachograph_collector.limiter import Lease
from tachograph_collector.settings import CollectorSettings

BODY_DEADLINE_S = 60
"""Within which a body must have arrived."""


async def read_body(request: Request, lease: Lease, settings: CollectorSettings) -> bytes:
    """The body as it was sent. Raises `ApiError` 400, 408, 413 or 429."""
    is_compressed = request.headers.get("content-encoding", "").strip().lower() not in (
        "",
        "identity",
    )
    if is_compressed:
        limit_bytes, setting = settings.max_compressed_body_bytes, "max_compressed_body_bytes"
    else:
        limit_bytes, setting = settings.max_body_bytes, "max_body_bytes"
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit_bytes:
        raise too_large(limit_bytes, setting, "the body")
    if announced.isdigit():
        # All of it at once: uploads that each hold a half would keep each other out for ever.
        lease.grow(int(announced))
    parts: list[bytes] = []
    size_bytes = 0
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            async for part in request.stream():
                size_bytes += len(part)
                if size_bytes > limit_bytes:
                    raise too_large(limit_bytes, setting, "the body")
                lease.grow(max(0, size_bytes - lease.held_bytes))
                parts.append(part)
    except TimeoutError:
        raise too_slow() from None
    except ClientDisconnect:
        raise malformed("the body ended before its announced length") from None
    return b"".join(parts)


def too_slow() -> ApiError:
    """The body did not arrive in time."""
    return ApiError(
        408,
        "body_too_slow",
        f"the body did not arrive within {BODY_DEADLINE_S} s",
        field="body",
        remedy="send smaller batches",
    )
