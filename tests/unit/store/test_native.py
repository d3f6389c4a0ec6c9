"""Packed columns are what clickhouse-connect would send, and what no column holds is refused."""

from array import array
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.ctypes import RespBuffCls
from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.transform import NativeTransform
from clickhouse_connect.driver.types import Closable

from tachograph_store import native

MONEY = [None, Decimal("0.000000001"), Decimal("999999999.999999999"), Decimal("1.5E-3")]
MOMENT = datetime(2026, 11, 22, 1, 2, 3, 456789, UTC)
RESOURCE = {"service.name": "shop", "host.name": ""}


class _Source(Closable):
    """Packed bytes as an answer that is read again."""

    def __init__(self, content: bytes) -> None:
        self.gen = iter([content])

    def close(self) -> None:
        """Nothing is open."""


def _read(name: str, type_name: str, values: Sequence[Any]) -> list[Any]:
    block = native.block_head(1, len(values)) + native.column(name, type_name, values)
    context = QueryContext(use_none=True, tz_mode="aware")
    source: Any = RespBuffCls
    result: Any = NativeTransform.parse_response(source(_Source(block)), context)
    assert (result.column_names, result.column_types) == ((name,), (get_from_name(type_name),))
    return [row[0] for row in result.result_rows]


@pytest.mark.parametrize(
    ("type_name", "values"),
    [
        ("String", ["", "a", "é\x00\U0001f600", "x" * 127, "y" * 128, "z" * 70_000]),
        ("Nullable(String)", ["a", None, "", None]),
        ("Nullable(String)", [None, None]),
        ("Nullable(String)", ["a", "b"]),
        ("LowCardinality(String)", ["a", "", "b", "a"]),
        ("LowCardinality(String)", ["a"] * 5),
        ("LowCardinality(Nullable(String))", [None, "a", "", "a", None]),
        ("LowCardinality(Nullable(String))", [None, None]),
        ("LowCardinality(Nullable(String))", [str(i % 300) for i in range(600)]),
        ("LowCardinality(String)", [str(i) for i in range(70_000)]),
        ("Bool", [True, False]),
        ("Nullable(Bool)", [None, True, False]),
        ("UInt8", [0, 255]),
        ("UInt64", [0, 2**64 - 1]),
        ("Nullable(UInt64)", [None, 0, 5]),
        ("Nullable(UInt32)", [None, 2**32 - 1]),
        ("Float64", [0.5, -1.0]),
        ("Nullable(Float64)", [None, 0.25, None]),
        ("Nullable(Decimal(18, 9))", MONEY),
        ("Date", [date(1970, 1, 1), date(2099, 12, 31)]),
        ("DateTime64(6, 'UTC')", [MOMENT, MOMENT]),
        ("Nullable(DateTime64(6, 'UTC'))", [None, MOMENT]),
        ("Array(LowCardinality(String))", [["stop"], [], ["a", "stop"]]),
        ("Array(LowCardinality(String))", [[], []]),
        ("Array(String)", [["x"], ["", "y"], []]),
        ("Map(LowCardinality(String), String)", [{}, {"a": "1"}, {"b": "", "a": "2"}]),
        ("Map(LowCardinality(String), String)", [{}, {}]),
        (
            "Map(LowCardinality(String), String)",
            [{"k": "v"}, RESOURCE, RESOURCE, RESOURCE, {"a": "1"}, RESOURCE],
        ),
        ("Array(Map(LowCardinality(String), String))", [[], [{"a": "1"}, {}], [RESOURCE] * 3]),
    ],
)
def test_values_come_back(type_name: str, values: Sequence[Any]) -> None:
    assert _read("c", type_name, values) == list(values)


def test_times_are_ticks() -> None:
    column = native.column("t", "DateTime64(9, 'UTC')", [1_700_000_000_123_456_789])
    assert column.endswith(array("q", [1_700_000_000_123_456_789]).tobytes())
    column = native.column("t", "Array(DateTime64(9, 'UTC'))", [(1, 2), ()])
    assert column.endswith(array("q", [2, 2, 1, 2]).tobytes())


@pytest.mark.parametrize(
    ("type_name", "bad"),
    [
        ("String", None),
        ("String", "\ud800"),
        ("Nullable(String)", 5),
        ("LowCardinality(String)", None),
        ("LowCardinality(String)", 5),
        ("Array(LowCardinality(String))", [None]),
        ("Array(String)", None),
        ("Map(LowCardinality(String), String)", {"a": 1}),
        ("Map(LowCardinality(String), String)", None),
        ("UInt64", -1),
        ("UInt64", 2**64),
        ("UInt64", 0.5),
        ("Nullable(UInt32)", 2**40),
        ("Float64", None),
        ("Nullable(Float64)", "fast"),
        ("Nullable(Decimal(18, 9))", "cheap"),
        ("Nullable(Decimal(18, 9))", Decimal(10) ** 12),
        ("Nullable(Decimal(18, 9))", Decimal("NaN")),
        ("Date", None),
        ("Date", date(1969, 12, 31)),
        ("DateTime64(9, 'UTC')", 2**63),
        ("DateTime64(6, 'UTC')", "now"),
    ],
)
def test_what_does_not_fit_is_refused(type_name: str, bad: object) -> None:
    with pytest.raises(native.PACKING_ERRORS):
        native.column("c", type_name, [bad])


def test_types_that_are_not_known() -> None:
    assert native.is_known("Array(Map(LowCardinality(String), String))")
    for unknown in ("UUID", "Array(UUID)", "Nullable(UUID)", "Tuple(String, String)"):
        assert not native.is_known(unknown)
