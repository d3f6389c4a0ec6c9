"""Whose request is it: API keys to tenants, by a file that holds no key."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tachograph.semconv import headers
from tachograph_sidecar.proxy.head import RequestHead

_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_NAME_CHARS = 256


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant and how it became known (`tachograph.tenant.source`): key or header."""

    name: str
    source: str


class Tenants:
    """Maps callers to tenants.

    Args:
        by_key_hash: hex SHA-256 of an API key -> tenant.
        trusts_header: believe `x-tachograph-tenant` of callers whose key is unknown.
    """

    def __init__(self, by_key_hash: Mapping[str, str], trusts_header: bool) -> None:
        self._by_key_hash = by_key_hash
        self._trusts_header = trusts_header

    def of(self, head: RequestHead) -> Tenant | None:
        """The tenant of a request; the key decides before any header."""
        key = _api_key(head)
        if key is not None and self._by_key_hash:
            name = self._by_key_hash.get(hashlib.sha256(key).hexdigest())
            if name is not None:
                return Tenant(name, "key")
        if self._trusts_header:
            claimed = head.get(headers.TENANT.encode())
            if claimed:
                return Tenant(readable(claimed), "header")
        return None


def read_tenants(path: Path) -> dict[str, str]:
    """Read a tenants file: a table per tenant with `key_sha256`, a list of hex digests.

    Raises ValueError, naming field and remedy, and OSError when the file cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    found: dict[str, str] = {}
    for name, table in content.items():
        hashes = table.get("key_sha256", []) if isinstance(table, dict) else []
        if not hashes or not isinstance(hashes, list):
            raise ValueError(
                f'{path}: tenant {name!r} needs `key_sha256 = ["…"]` with the SHA-256 of each of '
                "its API keys (printf %s KEY | sha256sum)"
            )
        for value in hashes:
            if not isinstance(value, str) or not _SHA256.fullmatch(value):
                raise ValueError(
                    f"{path}: tenant {name!r}: a key_sha256 is not 64 lower-case hex digits; make "
                    "it with: printf %s KEY | sha256sum"
                )
            if found.setdefault(value, name) != name:
                raise ValueError(f"{path}: one key stands under both {found[value]!r} and {name!r}")
    return found


def readable(value: bytes) -> str:
    """The text of a claim in a header: UTF-8, or percent-encoded as the SDK sends it; bounded."""
    return unquote_to_bytes(value).decode("utf-8", "replace")[:MAX_NAME_CHARS]


def _api_key(head: RequestHead) -> bytes | None:
    authorization = head.get(b"authorization")
    if authorization is not None:
        scheme, _, value = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and value:
            return value.strip()
    return head.get(b"x-api-key") or head.get(b"api-key")
