"""Keys are looked up by hash, remembered for seconds, and never stand in an error."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.datastructures import Headers

from tachograph_collector.auth import Authenticator, KeyCache, Principal
from tachograph_collector.errors import ApiError
from tachograph_store.errors import StoreUnavailable
from tachograph_store.keys import hash_of
from tachograph_store.rows import ApiKeyRow


def _row(key: str, **fields: Any) -> ApiKeyRow:
    return ApiKeyRow(
        project="p",
        key_id="k1",
        key_hash=hash_of(key),
        name="n",
        role=fields.pop("role", "read"),
        created_at=datetime.now(UTC),
        **fields,
    )


class Table:
    """Rows by hash, and how often they were asked for."""

    def __init__(self, *rows: ApiKeyRow) -> None:
        self.rows = {row.key_hash: row for row in rows}
        self.asked = 0

    async def find(self, key_hash: str) -> ApiKeyRow | None:
        self.asked += 1
        await asyncio.sleep(0)
        return self.rows.get(key_hash)


def _who(table: Table, authorization: str) -> Principal:
    authenticator = Authenticator(KeyCache(table.find), allow_anonymous=True)
    headers = Headers({"authorization": authorization})
    return asyncio.run(authenticator.authenticate(headers, "127.0.0.1"))


def test_a_key_gives_project_and_role() -> None:
    assert _who(Table(_row("tg_a")), "bearer tg_a") == Principal("p", "read", "k1")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, "expired"),
        ({"revoked_at": datetime.now(UTC)}, "revoked"),
    ],
)
def test_dead_keys(fields: dict[str, datetime], word: str) -> None:
    with pytest.raises(ApiError, match=word) as caught:
        _who(Table(_row("tg_a", **fields)), "Bearer tg_a")
    assert caught.value.status == 401
    assert "tg_a" not in str(caught.value.body())


def test_a_wrong_key_on_loopback_is_not_anonymous() -> None:
    with pytest.raises(ApiError, match="unknown"):
        _who(Table(), "Bearer tg_b")


@pytest.mark.parametrize(
    ("role", "needed", "allowed"),
    [
        ("ingest", "ingest", True),
        ("ingest", "read", False),
        ("ingest", "view", False),
        ("view", "view", True),
        ("view", "ingest", False),
        ("view", "read", False),
        ("read", "ingest", True),
        ("read", "view", True),
        ("read", "admin", False),
        ("admin", "read", True),
        ("unheard of", "ingest", False),
    ],
)
def test_what_a_role_includes(role: str, needed: str, allowed: bool) -> None:
    principal = Principal("p", role, "k")
    if allowed:
        principal.require(needed)
    else:
        with pytest.raises(ApiError) as caught:
            principal.require(needed)
        assert caught.value.status == 403


def test_a_burst_asks_the_store_once_and_a_failure_is_not_remembered() -> None:
    table = Table(_row("tg_a"))
    is_away = True

    async def find(key_hash: str) -> ApiKeyRow | None:
        row = await table.find(key_hash)
        if is_away:
            raise StoreUnavailable("away")
        return row

    async def run() -> None:
        nonlocal is_away
        cache = KeyCache(find)
        failures = await asyncio.gather(
            *(cache.find("tg_a") for _ in range(5)), return_exceptions=True
        )
        assert [type(failure) for failure in failures] == [StoreUnavailable] * 5
        is_away = False
        table.asked = 0
        rows = await asyncio.gather(*(cache.find("tg_a") for _ in range(50)))
        assert all(row is not None for row in rows)
        assert await cache.find("tg_a")
        assert await cache.find("tg_unknown") is None
        assert await cache.find("tg_unknown") is None
        assert table.asked == 2

    asyncio.run(run())


def test_a_revocation_is_seen_when_the_memory_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(_row("tg_a"))
    now = 0.0
    monkeypatch.setattr("tachograph_collector.auth.time.monotonic", lambda: now)

    async def run() -> None:
        nonlocal now
        cache = KeyCache(table.find)
        assert await cache.find("tg_a")
        table.rows.clear()
        now = 9.9
        assert await cache.find("tg_a")
        now = 10.1
        assert await cache.find("tg_a") is None

    asyncio.run(run())


def test_a_good_key_outlives_the_store_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(_row("tg_a"))
    now, is_away = 0.0, False
    monkeypatch.setattr("tachograph_collector.auth.time.monotonic", lambda: now)

    async def find(key_hash: str) -> ApiKeyRow | None:
        if is_away:
            raise StoreUnavailable("away")
        return await table.find(key_hash)

    async def run() -> None:
        nonlocal now, is_away
        cache = KeyCache(find)
        assert await cache.find("tg_a")
        assert await cache.find("tg_unknown") is None
        is_away = True
        for later in (100.0, 105.0, 3599.0):
            now = later
            assert await cache.find("tg_a")
        with pytest.raises(StoreUnavailable):
            await cache.find("tg_unknown")
        now = 3610.0
        with pytest.raises(StoreUnavailable):
            await cache.find("tg_a")
        is_away = False
        table.rows.clear()
        assert await cache.find("tg_a") is None

    asyncio.run(run())


def test_unknown_keys_do_not_pile_up() -> None:
    table = Table()

    async def run() -> int:
        cache = KeyCache(table.find)
        for i in range(5000):
            await cache.find(f"tg_{i}")
        return len(cache._found)

    assert asyncio.run(run()) == 4096


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        (None, False),
        ("unix", False),
    ],
)
def test_only_loopback_needs_no_key(peer: str | None, allowed: bool) -> None:
    authenticator = Authenticator(KeyCache(Table().find), allow_anonymous=True)
    headers = Headers({"host": "localhost:4318"})
    if allowed:
        who = asyncio.run(authenticator.authenticate(headers, peer))
        assert who == Principal("default", "read", None)
    else:
        with pytest.raises(ApiError):
            asyncio.run(authenticator.authenticate(headers, peer))
