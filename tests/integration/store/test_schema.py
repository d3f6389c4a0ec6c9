"""The tables are what the row contract says."""

import types
import typing
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal

import pytest

from tachograph_store.client import Store
from tachograph_store.migrate import migrations_of, pending, shipped_migrations
from tachograph_store.rows import TABLES

NANOSECONDS = "DateTime64(9"


def described(store: Store, table: str) -> list[tuple[str, str]]:
    rows = store.query(f"DESCRIBE TABLE {table}")
    # an alias is a name for an expression: nothing is stored in it, no row brings it
    return [(row["name"], row["type"]) for row in rows if row["default_type"] != "ALIAS"]


def expected_types(annotation: object) -> tuple[str, ...]:
    """Beginnings that the column's type may have, nullability apart."""
    if typing.get_origin(annotation) is types.UnionType:
        (inner,) = [a for a in typing.get_args(annotation) if a is not types.NoneType]
        return expected_types(inner)
    table: dict[object, tuple[str, ...]] = {
        str: ("String",),
        bool: ("Bool",),
        int: ("UInt", NANOSECONDS),
        float: ("Float64",),
        Decimal: ("Decimal",),
        datetime: ("DateTime64(6", "DateTime("),
        date: ("Date",),
    }
    origin = typing.get_origin(annotation)
    if origin is not None:
        return ("Map(",) if "Mapping" in str(origin) else ("Array(",)
    return table[annotation]


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_the_fields_in_order(reader_store: Store, table: str) -> None:
    columns = described(reader_store, table)
    assert [name for name, _ in columns] == [field.name for field in fields(TABLES[table])]


@pytest.mark.parametrize("table", TABLES)
def test_types_fit(reader_store: Store, table: str) -> None:
    hints = typing.get_type_hints(TABLES[table])
    for name, column_type in described(reader_store, table):
        hint = hints[name]
        may_be_none = types.NoneType in typing.get_args(hint)
        inner = column_type.removeprefix("LowCardinality(")
        # The writer fills stored_at; the field is None before.
        assert inner.startswith("Nullable(") == (may_be_none and name != "stored_at"), name
        inner = inner.removeprefix("Nullable(")
        assert inner.startswith(expected_types(hint)), (name, column_type)


def test_rows_and_content_expire(reader_store: Store) -> None:
    created = reader_store.query(
        "SELECT create_table_query AS sql FROM system.tables "
        "WHERE name IN ('spans', 'scores') ORDER BY name"
    )
    scores, spans = (row["sql"] for row in created)
    assert "TTL expires_on" in scores
    assert "TTL expires_on" in spans
    for column in ("prompt", "completion", "context"):
        assert f"`{column}` Nullable(String) CODEC(ZSTD(3)) TTL content_expires_on" in spans


def test_few_large_merges(reader_store: Store) -> None:
    rows = reader_store.query("SELECT engine_full FROM system.tables WHERE name = 'spans'")
    assert "min_parts_to_merge_at_once = 0, merge_selector_base = 10" in rows[0]["engine_full"]


def test_project_comes_first_everywhere(reader_store: Store) -> None:
    rows = reader_store.query(
        "SELECT name, sorting_key, engine FROM system.tables WHERE database = 'default'"
    )
    tables = {row["name"]: row for row in rows}
    assert set(TABLES) <= set(tables)
    for name in TABLES:
        assert tables[name]["sorting_key"].startswith("project"), name
        assert tables[name]["engine"] == "ReplacingMergeTree", name


def test_nothing_is_pending_and_looking_changes_nothing(reader_store: Store) -> None:
    assert pending(reader_store) == []
    more = [*shipped_migrations()]
    number = len(more) + 1
    extended = migrations_of(
        [(m.name, m.sql) for m in more] + [(f"{number:04d}_next.sql", "SELECT 1")]
    )
    assert [m.number for m in pending(reader_store, extended)] == [number]
