"""Who calls over gRPC: metadata as headers, and the address of the peer."""

from collections.abc import Iterable
from urllib.parse import unquote

from tachograph_collector.auth import Authenticator, Principal


async def caller_of(
    authenticator: Authenticator, metadata: Iterable[tuple[str, str | bytes]], peer: str
) -> Principal:
    """The caller. Raises `ApiError` 401 or 403."""
    headers: dict[str, str] = {}
    for name, value in metadata:
        if isinstance(value, str):
            headers.setdefault(name.lower(), value)  # the first one, as over HTTP
    # No web page gets this far: browsers do not speak HTTP/2 without TLS, nor gRPC's framing.
    return await authenticator.authenticate(headers, address_of(peer), may_be_browser=False)


def address_of(peer: str) -> str | None:
    """The IP address in `ipv4:127.0.0.1:4711` or `ipv6:%5B::1%5D:4711`; None in any other."""
    family, _, rest = unquote(peer).partition(":")
    if family not in ("ipv4", "ipv6"):
        return None
    return rest.rpartition(":")[0].strip("[]")
