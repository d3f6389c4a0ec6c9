"""What each role may send, judged without an engine; the attacks run against one elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_store.embedded.credentials import Role
from tachograph_store.embedded.exceptions import EngineException
from tachograph_store.embedded.guard import Statement, Work, check


def checked(sql: str, role: Role) -> Statement:
    return check(sql, role, max_query_bytes=10_000)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 'file(''/etc/passwd'')' -- file()",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT * FROM numbers(3) AS n JOIN zeros(2) AS z ON n.number = z.zero",
        "SELECT name FROM spans WHERE name IN ('a', 'b') ORDER BY name DESC LIMIT 1 BY name",
        "SELECT s FROM spans ARRAY JOIN ['a', 'b'] AS s",
        "SELECT 1 FROM spans AS a JOIN scores AS b ON a.name = 'x' AND b.name = 'y' WHERE 1",
        "SELECT 1 FROM system.parts WHERE (table = 'spans')",
        "SELECT {name:String}, {many:Array(String)}",
        "SELECT count() FROM system.settings",
        "SELECT count() FROM system.parts WHERE table = 'spans' AND active",
        "SHOW TABLES",
        "DESCRIBE TABLE spans",
        "EXISTS TABLE spans",
        "EXPLAIN indexes = 1 SELECT 1",
        "SELECT 1;",
        "SELECT 1 SETTINGS max_threads = 1, final = 1 FORMAT JSON",
        "SELECT * FROM format(JSONEachRow, '{\"a\": 1}')",
        "SELECT `a b (c)` FROM (SELECT 1 AS `a b (c)`)",
    ],
)
@pytest.mark.parametrize("role", ["reader", "writer", "migrator"])
def test_reading_is_for_all(sql: str, role: Role) -> None:
    assert checked(sql, role).work is Work.READ


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO spans (project) VALUES ('a')",
        "INSERT INTO default.spans SELECT * FROM spans",
        "INSERT INTO TABLE `spans` (project) VALUES ('a')",
        "DELETE FROM spans WHERE project = 'a'",
        "ALTER TABLE spans DELETE WHERE project = 'a'",
        "ALTER TABLE spans UPDATE name = 'a', kind = 'b' WHERE 1 SETTINGS mutations_sync = 1",
        "OPTIMIZE TABLE spans",
    ],
)
def test_rows_are_for_writers(sql: str) -> None:
    assert checked(sql, "writer").work is Work.WRITE
    with pytest.raises(EngineException) as caught:
        checked(sql, "reader")
    assert caught.value.code == 164


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE IF NOT EXISTS t (a String DEFAULT 'x') ENGINE = MergeTree ORDER BY a",
        "CREATE TABLE t (a String) ENGINE ReplicatedReplacingMergeTree(a) ORDER BY a",
        "ALTER TABLE spans ADD COLUMN IF NOT EXISTS a String DEFAULT 'x'",
        "ALTER TABLE spans MODIFY SETTING index_granularity = 1024",
        "DROP TABLE IF EXISTS t",
        "OPTIMIZE TABLE spans FINAL",
        "OPTIMIZE TABLE spans PARTITION ID '20260901'",
        "OPTIMIZE TABLE spans DEDUPLICATE",
        "OPTIMIZE TABLE schema_migrations",
        "INSERT INTO schema_migrations SELECT 1",
    ],
)
def test_ddl_is_for_the_migrator(sql: str) -> None:
    assert checked(sql, "migrator").work is Work.WRITE
    for role in ("reader", "writer"):
        with pytest.raises(EngineException):
            checked(sql, role)


def test_comments_are_blanked_and_formats_found() -> None:
    statement = checked("SELECT/**/1 -- '\nAS x # y\nFORMAT JSON;", "reader")
    assert statement.sql.split() == ["SELECT", "1", "AS", "x", "FORMAT", "JSON"]
    assert (statement.format, statement.is_streamed) == ("JSON", True)
    assert checked("SELECT format('{}', 1)", "reader").format is None


def test_rows_begin_behind_the_format() -> None:
    sql = "INSERT INTO spans (`project`, name) FORMAT Native"
    statement = checked(sql + "\n\0\1'\udcff", "writer")
    assert statement.work is Work.INSERT_DATA
    assert statement.sql == "INSERT INTO spans (`project`, name)"
    assert (statement.format, statement.data_start) == ("Native", len(sql))


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("", 62),
        ("  -- nothing\n", 62),
        ("SELECT 'open", 62),
        ("SELECT '\udcff'", 62),
        ("SELECT '" + "x" * 10_000 + "'", 77),
        ("SELECT 1 SETTINGS readonly = 0", 164),
        ("SELECT 1 SETTINGS max_threads = 1, readonly = 0", 164),
        ("SELECT * FROM (SELECT 1 SETTINGS allow_ddl = 1)", 164),
        ("SELECT 1; SELECT 2", 497),
        ("SET readonly = 0", 164),
    ],
)
def test_codes_of_refusals(sql: str, code: int) -> None:
    with pytest.raises(EngineException) as caught:
        checked(sql, "reader")
    assert caught.value.code == code


@given(st.text(max_size=200))
def test_any_text_is_judged_or_refused(text: str) -> None:
    try:
        statement = checked(text, "reader")
    except EngineException as error:
        assert error.code in (62, 77, 164, 497)
    else:
        assert statement.work is Work.READ
