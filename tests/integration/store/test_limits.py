"""Every bound holds: memory, seconds, rows, bytes, bodies, the queue."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tachograph_store.client import Store, connect
from tachograph_store.embedded.credentials import read_credential
from tachograph_store.errors import QueryTooLarge, StoreUnavailable

ENDLESS = "SELECT count() AS n FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


@pytest.fixture
def reader(tight_store: Any) -> Iterator[Store]:
    with connect(tight_store.settings, "reader") as store:
        yield store


@pytest.mark.lesson(17, 19)
@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (ENDLESS, 159),
        ("SELECT number FROM numbers(5001)", 396),
        ("SELECT repeat('x', 100000 + number) FROM numbers(20)", 396),
        ("SELECT uniqExact(number) FROM numbers(100000000)", 241),
        ("SELECT groupArray(number) FROM numbers(100000000)", 241),
    ],
)
def test_a_query_over_a_limit_is_ended(reader: Store, sql: str, code: int) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTooLarge) as caught:
        reader.query(sql)
    assert caught.value.code == code
    assert time.monotonic() - began < 30
    assert reader.query("SELECT 1 AS x") == [{"x": 1}]


def test_who_waits_too_long_is_told_to_come_back(reader: Store, tight_store: Any) -> None:
    started = threading.Event()

    def occupy() -> None:
        with connect(tight_store.settings, "reader") as other:
            other.query("SELECT 1")
            started.set()
            with pytest.raises(QueryTooLarge):
                other.query(ENDLESS)

    reader.query("SELECT 1")
    thread = threading.Thread(target=occupy)
    thread.start()
    try:
        assert started.wait(60)
        refused: StoreUnavailable | None = None
        while thread.is_alive() and refused is None:
            try:
                reader.query("SELECT 1")
            except StoreUnavailable as error:
                refused = error
    finally:
        thread.join(120)
    assert refused is not None
    assert refused.code == 202


def test_a_compressed_bomb_stops_at_the_limit(tight_store: Any) -> None:
    settings = tight_store.settings
    endpoint = json.loads((settings.directory / "endpoint.json").read_text())
    client = clickhouse_connect.get_client(
        host=endpoint["host"],
        port=endpoint["port"],
        username="writer",
        password=read_credential(settings.directory, "writer").password,
    )
    bomb = gzip.compress(b"x\n" * 1_000_000)
    with pytest.raises(DatabaseError) as caught:
        client.raw_insert("api_keys", ["project"], bomb, fmt="TSV", compression="gzip")
    assert caught.value.code == 307
    counted = client.query("SELECT count() FROM api_keys").result_rows
    assert counted == [(0,)]
    client.close()
