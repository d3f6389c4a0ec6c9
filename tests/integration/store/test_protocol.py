"""The HTTP protocol itself: who may speak, what is answered, what is bounded."""

import base64
import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlencode

import pytest

from tachograph_store.client import Store, connect
from tachograph_store.embedded.credentials import Role, read_credential
from tachograph_store.keys import create_key, list_keys
from tachograph_store.settings import StoreSettings

Answer = tuple[int, dict[str, str], bytes]


class Wire:
    """Raw requests to the store."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        document = json.loads((settings.directory / "endpoint.json").read_text())
        self.host, self.port = document["host"], document["port"]

    def authorization(self, role: Role) -> dict[str, str]:
        password = read_credential(self.settings.directory, role).password
        return {
            "Authorization": "Basic " + base64.b64encode(f"{role}:{password}".encode()).decode()
        }

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        role: Role | None = "reader",
    ) -> Answer:
        everything = {**(self.authorization(role) if role else {}), **(headers or {})}
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=60)) as connection:
            connection.request(method, path, body, everything)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, answer.read()

    def query(self, sql: str, role: Role = "reader", **parameters: str) -> Answer:
        return self.request("POST", "/?" + urlencode(parameters), sql.encode(), role=role)


@pytest.fixture(scope="module")
def wire(store_server: StoreSettings) -> Wire:
    return Wire(store_server)


def test_ping_needs_no_password(wire: Wire) -> None:
    assert wire.request("GET", "/ping", role=None)[::2] == (200, b"Ok.\n")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_host_is_refused(wire: Wire, host: str) -> None:
    for path in ("/ping", "/?query=SELECT+1"):
        assert wire.request("GET", path, headers={"Host": host})[0] == 421


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic " + base64.b64encode(b"reader:wrong").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"default:").decode()},
        {"Authorization": "Bearer x"},
        {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": ""},
    ],
)
def test_a_wrong_password_is_516(wire: Wire, headers: dict[str, str]) -> None:
    status, answered, body = wire.request("POST", "/", b"SELECT 1", headers, role=None)
    assert (status, answered["x-clickhouse-exception-code"]) == (403, "516")
    assert b"AUTHENTICATION_FAILED" in body


def test_a_password_in_the_url_is_refused(wire: Wire) -> None:
    password = read_credential(wire.settings.directory, "reader").password
    path = "/?" + urlencode({"user": "reader", "password": password, "query": "SELECT 1"})
    status, _, body = wire.request("GET", path, role=None)
    assert status == 403
    assert password.encode() not in body


def test_headers_of_an_answer(wire: Wire) -> None:
    status, headers, body = wire.query("SELECT 1 AS a FORMAT JSONEachRow", query_id="mine-1")
    assert (status, body) == (200, b'{"a":1}\n')
    assert headers["x-clickhouse-query-id"] == "mine-1"
    assert headers["x-clickhouse-format"] == "JSONEachRow"
    assert headers["x-clickhouse-timezone"] == "UTC"
    assert headers["x-content-type-options"] == "nosniff"


def test_query_of_the_url_and_default_format(wire: Wire) -> None:
    path = "/?" + urlencode({"query": "SELECT 1, 'a'", "default_format": "CSV"})
    assert wire.request("GET", path)[::2] == (200, b'1,"a"\n')
    assert wire.query("SELECT 1, 'a'")[::2] == (200, b"1\ta\n")


def test_get_changes_nothing(wire: Wire) -> None:
    path = "/?" + urlencode({"query": "DELETE FROM spans WHERE 1"})
    status, headers, _ = wire.request("GET", path, role="writer")
    assert (status, headers["x-clickhouse-exception-code"]) == (403, "164")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 403, "164"),
        ("SELECT 1 +", 400, "62"),
        ("SELECT * FROM nothing", 404, "60"),
        ("SELECT nothing", 404, "47"),
        ("SELECT no_such_function()", 404, "46"),
        ("SELECT toUInt8('x')", 400, "6"),
        ("SELECT {x:UInt8}", 400, "456"),
        ("SELECT 1 FORMAT Nothing", 400, "73"),
        ("SELECT 1 FORMAT DataFrame", 400, "73"),
        ("SELECT 1 FORMAT MySQLWire", 400, "73"),
        ("SELECT throwIf(1)", 500, "395"),
    ],
)
def test_codes_and_statuses(wire: Wire, sql: str, status: int, code: str) -> None:
    answered, headers, body = wire.query(sql)
    assert (answered, headers["x-clickhouse-exception-code"]) == (status, code)
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())


@pytest.mark.parametrize("name", ["readonly", "max_memory_usage", "allow_ddl", "session_timezone"])
def test_settings_of_the_url_are_refused(wire: Wire, name: str) -> None:
    for role in ("reader", "writer", "migrator"):
        status, headers, _ = wire.query("SELECT 1", role, **{name: "0"})
        assert (status, headers["x-clickhouse-exception-code"]) == (403, "164")


def test_an_error_in_the_middle_is_framed(wire: Wire) -> None:
    sql = "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000"
    # A reader may not change settings, so the default block of 65,409 rows comes first.
    sql = sql.partition(" SETTINGS")[0] + " FORMAT Native"
    status, headers, body = wire.query(sql)
    tag = headers["x-clickhouse-exception-tag"].encode()
    assert status == 200
    assert b"\r\n__exception__\r\n" + tag in body
    assert body.endswith(tag + b"\r\n__exception__\r\n")
    assert b"Code: 395." in body


def test_an_error_in_the_middle_of_a_compressed_answer(wire: Wire) -> None:
    sql = b"SELECT throwIf(number = 900000) FROM numbers(1000000) FORMAT Native"
    _, headers, body = wire.request(
        "POST", "/?enable_http_compression=1", sql, {"Accept-Encoding": "gzip"}
    )
    plain = gzip.decompress(body)
    assert plain.endswith(headers["x-clickhouse-exception-tag"].encode() + b"\r\n__exception__\r\n")
    assert b"Code: 395." in plain


@pytest.mark.parametrize("asked", ["gzip", "zstd", "br"])
def test_answers_are_compressed_when_asked(wire: Wire, asked: str) -> None:
    headers = {"Accept-Encoding": asked}
    path = "/?enable_http_compression=1"
    _, answered, body = wire.request("POST", path, b"SELECT repeat('a', 10000)", headers)
    if asked == "gzip":
        assert gzip.decompress(body) == b"a" * 10000 + b"\n"
    assert answered.get("content-encoding") == (None if asked == "br" else asked)
    assert (len(body) < 1000) == (asked != "br")


def test_a_long_statement_is_refused(wire: Wire) -> None:
    status, headers, _ = wire.query(f"SELECT '{'x' * 300_000}'")
    assert (status, headers["x-clickhouse-exception-code"]) == (413, "77")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"SELECT '\xff'", b"\0", b"SELECT 1 -- \0"])
def test_bytes_that_are_no_text(wire: Wire, body: bytes) -> None:
    status, headers, _ = wire.request("POST", "/", body)
    assert (status, headers["x-clickhouse-exception-code"]) == (400, "62")


@pytest.mark.parametrize("path", ["/play", "/dashboard", "/replicas_status", "//x", "/ping/.."])
def test_other_paths_are_not_there(wire: Wire, path: str) -> None:
    assert wire.request("GET", path)[0] == 404


@pytest.fixture
def endless(wire: Wire) -> Iterator[socket.socket]:
    """A client that has sent a query that takes very long."""
    sql = b"SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 31415"
    head = "".join(f"{k}: {v}\r\n" for k, v in wire.authorization("reader").items())
    with socket.create_connection((wire.host, wire.port), timeout=60) as client:
        client.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(sql)}\r\n\r\n".encode()
            + sql
        )
        yield client


def running(store: Store) -> int:
    """How many of those queries run."""
    counted = "SELECT count() AS n FROM system.processes WHERE query LIKE '%= 31415'"
    return int(store.query(counted)[0]["n"])


def wait_for(store: Store, number: int) -> None:
    deadline = time.monotonic() + 50
    while running(store) != number:
        assert time.monotonic() < deadline, f"not {number} running"
        time.sleep(0.05)


def test_who_leaves_ends_the_query(writer_store: Store, endless: socket.socket) -> None:
    wait_for(writer_store, 1)
    endless.close()
    wait_for(writer_store, 0)


@pytest.mark.lesson(25)
def test_a_long_question_holds_up_nobody(
    store_server: StoreSettings, writer_store: Store, endless: socket.socket, project: str
) -> None:
    wait_for(writer_store, 1)
    create_key(writer_store, project, "read", "while it runs")
    with connect(store_server, "reader") as reader:
        assert [key.name for key in list_keys(reader, project)] == ["while it runs"]
    assert running(writer_store) == 1
    endless.close()
    wait_for(writer_store, 0)
