"""The store's own client: addresses, roles, errors told apart by code, threads."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tachograph_store.client import Store, connect
from tachograph_store.embedded.credentials import credential_path, read_credential
from tachograph_store.errors import QueryRefused, StoreUnavailable
from tachograph_store.queries import run
from tachograph_store.settings import StoreSettings


@dataclass(frozen=True, slots=True)
class Pair:
    number: int
    text: str


def test_rows_as_dicts_dataclasses_and_frames(reader_store: Store) -> None:
    sql = "SELECT number, toString(number) AS text FROM numbers({n:UInt64})"
    assert reader_store.query(sql, {"n": 1}) == [{"number": 0, "text": "0"}]
    assert reader_store.query_rows(sql, {"n": 2}, Pair) == [Pair(0, "0"), Pair(1, "1")]
    assert reader_store.query_rows(sql, {"n": 0}, Pair) == []
    assert list(reader_store.query_df(sql, {"n": 3})["text"]) == ["0", "1", "2"]


def test_columns_that_are_no_fields_are_said(reader_store: Store) -> None:
    with pytest.raises(TypeError, match="Pair"):
        reader_store.query_rows("SELECT 1 AS number", None, Pair)


def test_an_unknown_query_is_a_key_error(reader_store: Store, project: str) -> None:
    with pytest.raises(KeyError):
        run(reader_store, "no_such_query", Pair, project=project)
    with pytest.raises(KeyError):
        reader_store.rows("no_such_query", {"project": project})


def test_times_are_aware(reader_store: Store) -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    (row,) = reader_store.query("SELECT {t:DateTime64(6, 'UTC')} AS t", {"t": moment})
    assert row["t"] == moment
    assert row["t"].utcoffset().total_seconds() == 0


def test_a_reader_cannot_write(reader_store: Store, project: str) -> None:
    with pytest.raises(QueryRefused) as caught:
        reader_store.insert("api_keys", ["project"], [[project]], ["String"])
    assert caught.value.code == 164


def test_a_writer_cannot_change_the_schema(writer_store: Store) -> None:
    with pytest.raises(QueryRefused) as caught:
        writer_store.command("DROP TABLE spans")
    assert caught.value.code == 497


def test_many_threads_share_one_store(reader_store: Store) -> None:
    barrier = threading.Barrier(12)

    def ask(number: int) -> int:
        barrier.wait(120)
        answers = [
            reader_store.query("SELECT {x:Int64} + sleep(0.01) AS x", {"x": number + i})[0]["x"]
            for i in range(10)
        ]
        assert answers == list(range(number, number + 10))
        return len(answers)

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(ask, range(0, 1200, 100))) == 120


def test_a_forked_child_has_connections_of_its_own(store_server: StoreSettings) -> None:
    with connect(store_server) as store:
        store.query("SELECT 1")
        children: list[int] = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                same = all(
                    store.query("SELECT {x:UInt8} AS x", {"x": number}) == [{"x": number}]
                    for _ in range(20)
                )
                os._exit(0 if same else 1)
            children.append(child)
        for _ in range(20):
            assert store.query("SELECT 9 AS x") == [{"x": 9}]
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4


def test_a_store_that_does_not_run(tmp_path: Path) -> None:
    with connect(StoreSettings(url=f"embedded://{tmp_path}")) as store:
        assert not store.ping()
        with pytest.raises(StoreUnavailable, match="tachograph up"):
            store.query("SELECT 1")


def test_a_server_that_does_not_answer() -> None:
    with connect(StoreSettings(url="http://127.0.0.1:9")) as store:
        assert not store.ping()
        with pytest.raises(StoreUnavailable):
            store.query("SELECT 1")


def test_a_url_of_a_server_with_user_and_password(store_server: StoreSettings) -> None:
    """The same client, by URL alone: what moving to a ClickHouse server takes."""
    endpoint = json.loads((store_server.directory / "endpoint.json").read_text())
    settings = StoreSettings(
        url=f"http://{endpoint['host']}:{endpoint['port']}",
        user="reader",
        password=SecretStr(read_credential(store_server.directory, "reader").password),
    )
    with connect(settings) as store:
        assert store.query("SELECT 1 AS x") == [{"x": 1}]
    wrong = settings.model_copy(update={"password": SecretStr("wrong")})
    with connect(wrong) as store, pytest.raises(QueryRefused) as caught:
        store.query("SELECT 1")
    assert caught.value.code == 516
    assert "wrong" not in str(caught.value)


def test_a_credential_that_may_not_be_read(own_store: Any) -> None:
    own_store.start()
    credential_path(own_store.settings.directory, "reader").unlink()
    with connect(own_store.settings) as store, pytest.raises(StoreUnavailable, match="credential"):
        store.query("SELECT 1")


def test_the_engine_speaks_utc_wherever_it_stands(own_store: Any) -> None:
    own_store.environment["TZ"] = "America/New_York"
    own_store.start()
    with connect(own_store.settings) as store:
        (row,) = store.query(
            "SELECT timezone() AS zone, toString(toDateTime(0)) AS epoch, "
            "toUnixTimestamp({t:DateTime('UTC')}) AS t",
            {"t": datetime(2026, 7, 1, tzinfo=UTC)},
        )
    assert row == {"zone": "UTC", "epoch": "1970-01-01 00:00:00", "t": 1782864000}
