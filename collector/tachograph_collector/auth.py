"""Who is calling: an API key, or on loopback nobody in particular.

The project comes from the key and from nothing else. Keys are hashed before they are looked up
or remembered, and never logged.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from tachograph.semconv.values import Role
from tachograph_collector.errors import ApiError
from tachograph_store.errors import StoreError
from tachograph_store.keys import hash_of
from tachograph_store.rows import ApiKeyRow

DEFAULT_PROJECT: Final = "default"
CACHE_SECONDS: Final = 10.0
"""A revoked key works no longer than this in a running collector."""

AWAY_SECONDS: Final = 3600.0
"""A key that was good goes on working this long while the store cannot be asked."""

_PATIENCE_S = 2.0
_MAX_CACHED_KEYS = 4096
_MAX_KEY_CHARACTERS = 512
_INCLUDED: Final[Mapping[str, frozenset[str]]] = {
    Role.INGEST: frozenset({Role.INGEST}),
    Role.VIEW: frozenset({Role.VIEW}),
    Role.READ: frozenset({Role.INGEST, Role.VIEW, Role.READ}),
    Role.ADMIN: frozenset({Role.INGEST, Role.VIEW, Role.READ, Role.ADMIN}),
}
"""Sending and reading are apart: whoever looks at telemetry need not be able to forge it."""
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a project, a role, and the id of the key (None without a key)."""

    project: str
    role: str
    key_id: str | None

    def require(self, *roles: str) -> None:
        """Raises `ApiError` 403 unless the caller's role includes one of `roles`."""
        if _INCLUDED.get(self.role, frozenset()).isdisjoint(roles):
            raise ApiError(
                403,
                "role_too_low",
                f"this key has the role {self.role}; {' or '.join(roles)} is needed",
                field="authorization",
                remedy=f"make a key with `tachograph keys create --role {roles[0]}`",
            )


@dataclass(frozen=True, slots=True)
class _Remembered:
    row: ApiKeyRow | None
    asked_at: float  # when the store said so; monotonic, as the next
    fresh_until: float


class KeyCache:
    """Looks keys up by their hash and remembers the answer, unknown keys too, for 10 s.

    While the store is away, data goes on arriving in the journal: keys that were good stay good.
    """

    def __init__(self, find: Callable[[str], Awaitable[ApiKeyRow | None]]) -> None:
        self._find = find
        self._found: OrderedDict[str, _Remembered] = OrderedDict()
        self._pending: dict[str, asyncio.Task[ApiKeyRow | None]] = {}

    async def find(self, key: str) -> ApiKeyRow | None:
        """The row of a key, None when there is none. Raises `StoreError` when nobody knows."""
        key_hash = hash_of(key)
        remembered = self._found.get(key_hash)
        if remembered is not None and remembered.fresh_until > time.monotonic():
            self._found.move_to_end(key_hash)
            return remembered.row
        task = self._pending.get(key_hash)
        if task is None:
            task = asyncio.create_task(self._look_up(key_hash))
            self._pending[key_hash] = task
            task.add_done_callback(lambda _: self._pending.pop(key_hash, None))
        if remembered is None or not self._may_go_on(remembered):
            return await asyncio.shield(task)
        try:
            return await asyncio.wait_for(asyncio.shield(task), _PATIENCE_S)
        except (StoreError, TimeoutError):
            fresh_until = time.monotonic() + CACHE_SECONDS
            self._found[key_hash] = replace(remembered, fresh_until=fresh_until)
            return remembered.row

    @staticmethod
    def _may_go_on(remembered: _Remembered) -> bool:
        is_recent = time.monotonic() < remembered.asked_at + AWAY_SECONDS
        return remembered.row is not None and is_recent

    async def _look_up(self, key_hash: str) -> ApiKeyRow | None:
        row = await self._find(key_hash)
        now = time.monotonic()
        self._found[key_hash] = _Remembered(row, now, now + CACHE_SECONDS)
        self._found.move_to_end(key_hash)
        while len(self._found) > _MAX_CACHED_KEYS:
            self._found.popitem(last=False)
        return row


class Authenticator:
    """Tells who sent a request from its headers and its peer's address."""

    def __init__(self, keys: KeyCache, *, allow_anonymous: bool) -> None:
        self._keys = keys
        self._allow_anonymous = allow_anonymous

    async def authenticate(
        self, headers: Mapping[str, str], peer: str | None, *, may_be_browser: bool = True
    ) -> Principal:
        """The caller. Raises `ApiError` 401 or 403; `headers` must be case-insensitive."""
        authorization = headers.get("authorization")
        if authorization is None:
            principal = self._anonymous(headers, peer)
            if may_be_browser:
                _refuse_other_sites(headers)
            return principal
        scheme, _, key = authorization.partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key or len(key) > _MAX_KEY_CHARACTERS:
            raise _unauthorized("the Authorization header is not `Bearer tg_…`")
        row = await self._keys.find(key)
        if row is None:
            raise _unauthorized("the API key is unknown")
        if row.revoked_at is not None:
            raise _unauthorized("the API key was revoked")
        if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
            raise _unauthorized("the API key has expired")
        return Principal(row.project, row.role, row.key_id)

    def _anonymous(self, headers: Mapping[str, str], peer: str | None) -> Principal:
        if not self._allow_anonymous:
            raise _unauthorized("an API key is needed")
        if not _is_loopback(peer):
            raise _unauthorized("only requests from loopback need no API key")
        if any(name == "forwarded" or name.startswith("x-forwarded-") for name in headers):
            raise _unauthorized("requests that came through a proxy need an API key")
        return Principal(DEFAULT_PROJECT, Role.READ, None)


def _refuse_other_sites(headers: Mapping[str, str]) -> None:
    """Web pages may not use a visitor's loopback: neither by name rebinding nor across origins."""
    host = headers.get("host", "")
    if _host_name(f"//{host}") not in _LOOPBACK_NAMES:
        raise _forbidden("host", "requests without an API key must name a loopback host")
    origin = headers.get("origin")
    if origin is not None and origin.partition("//")[2] != host:
        raise _forbidden("origin", "requests from other sites need an API key")
    if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise _forbidden("sec-fetch-site", "requests from other sites need an API key")


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_loopback(peer: str | None) -> bool:
    if peer is None:
        return False
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def _unauthorized(message: str) -> ApiError:
    return ApiError(
        401,
        "unauthorized",
        message,
        field="authorization",
        remedy="send `Authorization: Bearer tg_…`; make a key with `tachograph keys create`",
    )


def _forbidden(field: str, message: str) -> ApiError:
    return ApiError(
        403, "forbidden", message, field=field, remedy="send an API key with the request"
    )
