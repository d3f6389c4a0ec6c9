"""The ordinary clickhouse-connect client, as it comes, against the embedded store."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import clickhouse_connect
import pandas
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError, StreamFailureError

from tachograph_store.embedded.credentials import Role, read_credential
from tachograph_store.settings import StoreSettings

VALUES: list[tuple[str, list[Any]]] = [
    ("UInt32", [1, 2]),
    ("Int64", [-(2**63), 2**63 - 1]),
    ("Float64", [0.1, -1e300]),
    ("Bool", [True, False]),
    ("String", ["it's", "tab\t\\ 'q' \n é \U0001f600"]),
    ("Nullable(Float64)", [None, 1.5]),
    ("Decimal(18, 9)", [Decimal("-0.000000001"), Decimal("123456789.123456789")]),
    ("Date", [date(1970, 1, 1), date(2100, 1, 1)]),
    ("DateTime('UTC')", [datetime(2026, 1, 1, tzinfo=UTC)]),
    ("DateTime64(6, 'UTC')", [datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)]),
    ("UUID", [uuid.UUID(int=0), uuid.UUID(int=2**127)]),
    ("IPv4", [IPv4Address("127.0.0.1"), IPv4Address("255.0.0.1")]),
    ("IPv6", [IPv6Address("::1"), IPv6Address("fe80::1")]),
    ("Enum8('a' = 1, 'b' = 2)", ["a", "b"]),
    ("Array(Nullable(String))", [[], ["x", None]]),
    ("Array(Array(UInt8))", [[[1], []], []]),
]
"""Types and values that go as a parameter and come back as a column."""


def client_of(settings: StoreSettings, role: Role, **options: Any) -> Client:
    endpoint = json.loads((settings.directory / "endpoint.json").read_text())
    return clickhouse_connect.get_client(
        host=endpoint["host"],
        port=endpoint["port"],
        username=role,
        password=read_credential(settings.directory, role).password,
        tz_mode="aware",
        **options,
    )


@pytest.fixture(scope="module", params=[False, "gzip", "zstd", "lz4", True])
def compress(request: pytest.FixtureRequest) -> bool | str:
    chosen: bool | str = request.param
    return chosen


@pytest.fixture(scope="module")
def reader(store_server: StoreSettings, compress: bool | str) -> Iterator[Client]:
    client = client_of(store_server, "reader", compress=compress)
    yield client
    client.close()


def test_handshake(reader: Client) -> None:
    major = int(str(reader.server_version).partition(".")[0])
    assert major >= 26
    assert str(reader.server_tz) == "UTC"
    assert reader.server_settings["readonly"].value == "1"
    assert reader.ping()


@pytest.mark.parametrize(("column_type", "values"), VALUES)
def test_types_go_and_come_back(reader: Client, column_type: str, values: list[Any]) -> None:
    result = reader.query(
        f"SELECT arrayJoin({{values:Array({column_type})}}) AS x", {"values": values}
    )
    assert [row[0] for row in result.result_rows] == values
    assert column_type.startswith(result.column_types[0].name)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT CAST('abc' AS FixedString(3))", b"abc"),
        (
            "SELECT toUInt256('57896044618658097711785492504343953926634992332820282019728792003956564819968')",
            2**255,
        ),
        ("SELECT toLowCardinality('a')", "a"),
        ("SELECT CAST(NULL AS LowCardinality(Nullable(String)))", None),
        ("SELECT CAST((1, 'x') AS Tuple(a UInt8, b String))", {"a": 1, "b": "x"}),
        ("SELECT map('k', 'v')", {"k": "v"}),
        ("SELECT [(1, 'a')]", [(1, "a")]),
        (
            "SELECT toDateTime64('2026-01-01 00:00:00.123456789', 9, 'UTC')",
            datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC),
        ),
        ("SELECT toJSONString(map('a', 1))", '{"a":1}'),
    ],
)
def test_more_types_are_read(reader: Client, sql: str, expected: object) -> None:
    assert reader.query(sql).result_rows[0][0] == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", "it's \\ \t \n 'quoted' {x} %s é"),
        ("String", ""),
        ("Int64", -5),
        ("Nullable(String)", None),
        ("Float64", 1e-300),
        ("Bool", True),
        ("Date", date(2026, 2, 28)),
        ("DateTime('UTC')", datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC)),
        ("Array(String)", ["a'b", "c,d", ""]),
        ("Array(Array(UInt8))", [[1, 2], []]),
        ("Decimal(18, 9)", Decimal("0.1")),
        ("UUID", uuid.UUID(int=7)),
    ],
)
def test_parameters(reader: Client, kind: str, value: object) -> None:
    assert reader.query(f"SELECT {{x:{kind}}} AS x", {"x": value}).result_rows[0][0] == value


def test_long_parameters_go_as_a_form(reader: Client) -> None:
    names = [f"{number:032x}" for number in range(20_000)]
    result = reader.query(
        "SELECT length({names:Array(String)}) AS n, {names:Array(String)}[-1] AS last",
        {"names": names},
    )
    assert result.result_rows == [(20_000, names[-1])]


def test_many_rows_and_columns(reader: Client) -> None:
    result = reader.query("SELECT number, toString(number) AS s FROM numbers(200000)")
    assert result.row_count == 200_000
    assert result.result_rows[-1] == (199_999, "199999")
    assert result.column_names == ("number", "s")


def test_columns_of_no_rows(reader: Client) -> None:
    assert reader.query("SELECT 1 AS a WHERE 0").result_rows == []
    assert reader.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")


def test_streams(reader: Client) -> None:
    with reader.query_row_block_stream("SELECT number FROM numbers(300000)") as stream:
        blocks = [len(block) for block in stream]
    assert sum(blocks) == 300_000
    assert len(blocks) > 2
    with reader.query_df_stream("SELECT number FROM numbers(200000)") as frames:
        assert sum(len(frame) for frame in frames) == 200_000


def test_a_stream_left_early_gives_its_connection_back(reader: Client) -> None:
    for _ in range(10):
        with reader.query_row_block_stream("SELECT number FROM numbers(100000000)") as stream:
            assert len(next(iter(stream))) > 0
    assert reader.query("SELECT 1").result_rows == [(1,)]


def test_an_error_inside_a_stream(reader: Client) -> None:
    sql = "SELECT throwIf(number = 900000) FROM numbers(1000000)"
    with pytest.raises((StreamFailureError, DatabaseError)) as caught:  # noqa: SIM117
        with reader.query_row_block_stream(sql) as stream:
            for _ in stream:
                pass
    assert caught.value.code == 395


def test_frames(reader: Client) -> None:
    frame = reader.query_df("SELECT number AS n, toString(n) AS s, now64(6) AS t FROM numbers(5)")
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["n"]) == [0, 1, 2, 3, 4]
    assert str(frame["t"].dtype).startswith("datetime64")


def test_arrow_and_raw_formats(reader: Client) -> None:
    table = reader.query_arrow("SELECT number AS n FROM numbers(3)")
    assert table.column("n").to_pylist() == [0, 1, 2]
    assert reader.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'
    document = json.loads(reader.raw_query("SELECT 1 AS a", fmt="JSON"))
    assert document["data"] == [{"a": 1}]


def test_commands(reader: Client) -> None:
    assert reader.command("SELECT 1") == 1
    assert reader.command("EXISTS TABLE spans") == 1
    assert "spans" in reader.command("SHOW TABLES")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("sql", "code"),
    [("SELECT nothing", 47), ("SELECT * FROM nothing", 60), ("SELECT throwIf(1)", 395)],
)
def test_errors_carry_codes(reader: Client, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        reader.query(sql)
    assert caught.value.code == code


def test_settings_a_reader_cannot_change(reader: Client) -> None:
    with pytest.raises(ProgrammingError, match="readonly"):
        reader.query("SELECT 1", settings={"max_threads": 1})


def test_inserts(store_server: StoreSettings, compress: bool | str, project: str) -> None:
    writer = client_of(store_server, "writer", compress=compress)
    names = ["project", "incident_id", "rule", "summary", "state", "pending_at", "version"]
    made = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [[project, f"{n}", "h", "é\n'\\", "read", made, 1] for n in range(3_000)]
    summary = writer.insert("incidents", rows, column_names=names)
    assert summary.written_rows == 3_000
    frame = pandas.DataFrame(
        [[project, "df", "h", "n", "read", pandas.Timestamp(made), 1]], columns=names
    )
    writer.insert_df("incidents", frame)
    writer.raw_insert("incidents", ["project", "incident_id"], f'"{project}","raw"\n', fmt="CSV")
    counted = "SELECT count() FROM incidents WHERE project = {project:String}"
    assert writer.query(counted, {"project": project}).result_rows == [(3_002,)]
    writer.command("DELETE FROM incidents WHERE project = {project:String}", {"project": project})
    assert writer.query(counted, {"project": project}).result_rows == [(0,)]
    writer.close()


def test_a_broken_insert_stores_nothing(
    store_server: StoreSettings, compress: bool | str, project: str
) -> None:
    writer = client_of(store_server, "writer", compress=compress)
    with pytest.raises(DatabaseError) as caught:
        writer.raw_insert(
            "api_keys", ["project", "version"], f'"{project}",1\n"{project}",x\n', fmt="CSV"
        )
    assert caught.value.code == 117
    counted = "SELECT count() FROM api_keys WHERE project = {project:String}"
    assert writer.query(counted, {"project": project}).result_rows == [(0,)]
    writer.close()
