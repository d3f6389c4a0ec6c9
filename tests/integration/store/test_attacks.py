"""Attacks on files, processes and the network: real on the bare engine, refused by the store."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tachograph_store.client import Store
from tachograph_store.embedded.words import ALLOWED_TABLE_FUNCTIONS, FORBIDDEN_FUNCTIONS
from tachograph_store.errors import QueryRefused

CANARY = "root-canary-7f3a"

# Each answers the canary when the bare engine runs it; CANARY_FILE stands for the file's path.
READS = [
    "SELECT * FROM file('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM File('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM `file`('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM \"file\"('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM \"f\\x69le\"('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM file/**/('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM file -- '\n('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM file # '\n('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM file // '\n('CANARY_FILE', 'LineAsString')",
    "SELECT /* ' */ * FROM file('CANARY_FILE', 'LineAsString') /* ' */",
    "SELECT '/*', * FROM file('CANARY_FILE', 'LineAsString') --*/",
    "SELECT '\\'', * FROM file('CANARY_FILE', 'LineAsString')",
    "SELECT '''', * FROM file('CANARY_FILE', 'LineAsString')",
    "SELECT $$'$$, * FROM file('CANARY_FILE', 'LineAsString')",
    "SELECT $a$ $$' $a$, * FROM file($$CANARY_FILE$$, 'LineAsString')",
    "SELECT \u2018'\u2019, * FROM file('CANARY_FILE', 'LineAsString') --'",
    "WITH x AS (SELECT * FROM file('CANARY_FILE', 'LineAsString')) SELECT * FROM x",
    "SELECT (SELECT * FROM file('CANARY_FILE', 'LineAsString'))",
    "SELECT * FROM view(SELECT * FROM file('CANARY_FILE', 'LineAsString'))",
    "SELECT 1 UNION ALL SELECT length(line) FROM file('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM numbers(1) AS n, file('CANARY_FILE', 'LineAsString') AS f",
    "SELECT * FROM file({path:String}, 'LineAsString')",
    "SELECT file('CANARY_FILE')",
    "SELECT arrayMap(file, ['CANARY_FILE'])",
    "SELECT arrayMap(x -> file(x), ['CANARY_FILE'])",
    "SELECT * APPLY(file) FROM (SELECT 'CANARY_FILE')",
    "SELECT x.* APPLY file FROM (SELECT 'CANARY_FILE') AS x",
    "SELECT COLUMNS('x') APPLY(`file`) FROM (SELECT 'CANARY_FILE' AS x)",
    "SELECT * FROM 'CANARY_FILE'",
    "SELECT * FROM `CANARY_FILE`",
    'SELECT * FROM "CANARY_FILE"',
    "SELECT * FROM default.`CANARY_FILE`",
    "SELECT * FROM (SELECT 1 AS a) AS n CROSS JOIN 'CANARY_FILE' AS f",
    "SELECT * FROM (SELECT 1 AS a) AS n, 'CANARY_FILE' AS f",
    "SELECT * FROM {path:Identifier}",
    "SELECT * FROM {path : Identifier}",
    "SELECT * FROM (SELECT 1 AS a) AS x JOIN (SELECT 1 AS a) AS y ON x.a = y.a, 'CANARY_FILE' AS f",
    "SELECT * FROM numbers(1) AS where, 'CANARY_FILE' AS f",
    "SELECT * FROM numbers(1) AS select, 'CANARY_FILE' AS f",
    "SELECT * FROM values('a String', 'x') AS v, 'CANARY_FILE' AS f",
    "SELECT * FROM format(CSV, '1') AS v, 'CANARY_FILE' AS f",
    "SELECT * FROM (SELECT 1 AS format) AS x JOIN (SELECT 1 AS b) AS y ON x.format = y.b, 'CANARY_FILE' AS f",
    "SELECT * FROM (SELECT 1 AS format) AS x JOIN (SELECT 1 AS b) AS y ON format = b, 'CANARY_FILE' AS f",
    "SELECT * FROM (SELECT 1 AS a) AS x, ('CANARY_FILE' AS f JOIN (SELECT 1 AS b) AS y ON 1)",
    "SELECT * FROM ('CANARY_FILE' AS f CROSS JOIN (SELECT 1 AS b) AS y)",
    "SELECT * FROM ((SELECT 1 AS b) AS y CROSS JOIN 'CANARY_FILE' AS f)",
    "SELECT 1 AS a FROM numbers(1) UNION ALL SELECT length(c1) FROM numbers(1) AS n, 'CANARY_FILE' AS f",
    "SELECT * FROM (SELECT 1 AS a) AS x JOIN (SELECT 1 AS a) AS y USING (a), 'CANARY_FILE' AS f",
    "SELECT * FROM (SELECT 'x' AS a) AS x JOIN 'CANARY_FILE' AS f ON x.a != 'y'",
    "SELECT * FROM (FROM 'CANARY_FILE' SELECT *)",
    "SELECT * FROM {path:`Identifier`}",
    "SELECT * FROM (DESCRIBE 'CANARY_FILE')",
    "SELECT * FROM (DESC TABLE 'CANARY_FILE')",
    "EXPLAIN TABLE OVERRIDE file('CANARY_FILE') COLUMNS (a String)",
    "FROM 'CANARY_FILE' SELECT *",
    "DESCRIBE 'CANARY_FILE'",
    "DESCRIBE TABLE file('CANARY_FILE', 'LineAsString')",
    "SELECT 1; SELECT * FROM file('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM filesystem('CANARY_FILE')",
    "SELECT * FROM executable('cat CANARY_FILE', 'TSV', 'a String')",
    "SELECT * FROM url('file://CANARY_FILE', 'LineAsString')",
    "SELECT * FROM sqlite('CANARY_FILE', 't')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM python('canary')",
    "SELECT * FROM Python(canary)",
]
# What the bare engine refuses, for reasons that a newer one may not have, or answers otherwise.
DULL = {
    "SELECT * FROM File('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM executable('cat CANARY_FILE', 'TSV', 'a String')",
    "SELECT * FROM url('file://CANARY_FILE', 'LineAsString')",
    "SELECT * FROM sqlite('CANARY_FILE', 't')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM python('canary')",
    "SELECT 1 UNION ALL SELECT length(line) FROM file('CANARY_FILE', 'LineAsString')",
    "DESCRIBE 'CANARY_FILE'",
    "DESCRIBE TABLE file('CANARY_FILE', 'LineAsString')",
    "SELECT * FROM (DESCRIBE 'CANARY_FILE')",
    "SELECT * FROM (DESC TABLE 'CANARY_FILE')",
    "EXPLAIN TABLE OVERRIDE file('CANARY_FILE') COLUMNS (a String)",
    "SELECT * FROM {path:`Identifier`}",
    "SELECT * FROM (SELECT 1 AS a) AS x, ('CANARY_FILE' AS f JOIN (SELECT 1 AS b) AS y ON 1)",
    "SELECT 1 AS a FROM numbers(1) UNION ALL SELECT length(c1) FROM numbers(1) AS n, 'CANARY_FILE' AS f",
}
WRITES = [
    "SELECT 1 INTO OUTFILE 'OUT_FILE'",
    "SELECT 1 INTO /**/ OUTFILE 'OUT_FILE' FORMAT CSV",
    "SELECT 1 INTO OUTFILE 'OUT_FILE' AND STDOUT",
    "EXPLAIN SELECT 1 INTO OUTFILE 'OUT_FILE'",
    "SHOW TABLES INTO OUTFILE 'OUT_FILE'",
    "INSERT INTO FUNCTION file('OUT_FILE', 'CSV', 'a UInt8') VALUES (1)",
    "INSERT INTO TABLE FUNCTION file('OUT_FILE', 'CSV', 'a UInt8') VALUES (1)",
    "INSERT INTO spans (project) FROM INFILE 'CANARY_FILE' FORMAT CSV",
    "CREATE TABLE x (a UInt8) ENGINE = File(CSV, 'OUT_FILE')",
    "CREATE TABLE x (a UInt8) ENGINE = URL('http://127.0.0.1:9/', CSV)",
    "CREATE TABLE x (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '/tmp/')",
    "CREATE TABLE x AS file('CANARY_FILE', 'LineAsString')",
    "CREATE TABLE x ENGINE = MergeTree ORDER BY line AS SELECT * FROM file('CANARY_FILE', 'LineAsString')",
    "CREATE TABLE x (a String DEFAULT file('CANARY_FILE')) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE x (a UInt8) ENGINE = Memory",
    "CREATE TABLE x (a UInt8)",
    "CREATE TEMPORARY TABLE x (a UInt8) ENGINE = MergeTree ORDER BY a",
    "CREATE DICTIONARY x (a UInt8) PRIMARY KEY a SOURCE(FILE(PATH 'CANARY_FILE' FORMAT 'CSV'))",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MATERIALIZED VIEW x ENGINE = MergeTree ORDER BY tuple() AS SELECT 1",
    "CREATE FUNCTION x AS (a) -> a",
    "CREATE USER x",
    "CREATE DATABASE x",
    "CREATE NAMED COLLECTION x AS a = 1",
    "ATTACH TABLE x FROM 'CANARY_FILE' (a UInt8) ENGINE = MergeTree ORDER BY a",
    "DETACH TABLE spans",
    "ALTER TABLE spans ATTACH PARTITION 1",
    "ALTER TABLE spans MODIFY SETTING disk = 'x'",
    "ALTER TABLE spans FREEZE WITH NAME 'x'",
    "ALTER TABLE spans MOVE PARTITION 202601 TO DISK 'default'",
    "ALTER TABLE spans EXPORT PART 'x' TO TABLE FUNCTION s3('http://127.0.0.1:9/b/c')",
    "BACKUP TABLE spans TO File('OUT_FILE')",
    "RESTORE TABLE spans FROM File('OUT_FILE')",
    "SYSTEM SHUTDOWN",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "GRANT ALL ON *.* TO default",
    "EXECUTE AS default SELECT 1",
    "SET readonly = 0",
    "SET max_memory_usage = 0",
    "USE system",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0, readonly = 0",
    "INSERT INTO spans SETTINGS allow_ddl = 1 (project) VALUES ('x')",
    "INSERT INTO spans SETTINGS final = [1, 2], disk = 'x' (project) VALUES ('x')",
    "INSERT INTO spans SETTINGS max_threads = 1, `allow_ddl` = 1 (project) VALUES ('x')",
    "WITH 1 AS x INSERT INTO spans (project) SELECT 'x'",
    "INSERT INTO system.numbers VALUES (1)",
    "INSERT INTO other (a) VALUES (1)",
    "DROP DATABASE default",
    "DROP TABLE spans PARALLEL WITH DROP TABLE scores",
    "BEGIN TRANSACTION",
    "ALTER TABLE spans (MOVE PARTITION 20260101 TO DISK 'default')",
]
NETWORK = [
    f"SELECT * FROM {function}({arguments})"
    for function, arguments in [
        ("url", "'http://127.0.0.1:9/x', 'LineAsString'"),
        ("urlCluster", "'c', 'http://127.0.0.1:9/x', 'LineAsString'"),
        ("s3", "'http://127.0.0.1:9/bucket/x', 'LineAsString'"),
        ("s3Cluster", "'c', 'http://127.0.0.1:9/bucket/x', 'LineAsString'"),
        ("gcs", "'http://127.0.0.1:9/bucket/x', 'LineAsString'"),
        ("oss", "'http://127.0.0.1:9/bucket/x', 'LineAsString'"),
        ("hdfs", "'hdfs://127.0.0.1:9/x', 'CSV'"),
        ("azureBlobStorage", "'http://127.0.0.1:9/', 'c', 'x'"),
        ("remote", "'127.0.0.1:9', 'system', 'one'"),
        ("remoteSecure", "'127.0.0.1:9', 'system', 'one'"),
        ("cluster", "'default', 'system', 'one'"),
        ("clusterAllReplicas", "'default', 'system', 'one'"),
        ("mysql", "'127.0.0.1:9', 'd', 't', 'u', 'p'"),
        ("postgresql", "'127.0.0.1:9', 'd', 't', 'u', 'p'"),
        ("mongodb", "'127.0.0.1:9', 'd', 't', 'u', 'p', 'a String'"),
        ("redis", "'127.0.0.1:9', 'k', 'k String'"),
        ("odbc", "'DSN=x', 'd', 't'"),
        ("jdbc", "'x', 'd', 't'"),
        ("iceberg", "'http://127.0.0.1:9/b/x'"),
        ("deltaLake", "'http://127.0.0.1:9/b/x'"),
        ("hudi", "'http://127.0.0.1:9/b/x'"),
        ("dictionary", "'d'"),
        ("fuzzQuery", "'SELECT 1'"),
        ("fuzzJSON", "'{}'"),
        ("eval", "'SELECT 1'"),
        ("input", "'a String'"),
    ]
] + [
    "SELECT hasColumnInTable('127.0.0.1:9', 'default', 'spans', 'project')",
    "SELECT aiGenerate('x')",
    "SELECT * FROM system.stack_trace",
    "SELECT * FROM `system`.`users`",
    "SELECT * FROM system /**/ . processes_of_others",
]


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary") / "passwd.csv"
    path.write_text(f"{CANARY}\n")
    return path


@pytest.fixture(scope="module")
def bare_answers(canary: Path) -> dict[str, str]:
    """What a chDB of its own, without guard and sandbox, answers to every attack that reads."""
    program = """
import json, sys, chdb
path = sys.argv[1]
canary = {"a": [open(path).read()]}
connection = chdb.connect(":memory:")
answers = {}
for sql in json.load(sys.stdin):
    try:
        text = sql.replace("CANARY_FILE", path)
        answers[sql] = connection.query(text, "CSV", params={"path": path}).bytes().decode()
    except Exception as error:
        answers[sql] = "refused: " + type(error).__name__
print(json.dumps(answers))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(canary)],
        input=json.dumps(READS),
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    answers: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize("attack", READS)
def test_reading_files_is_refused(
    attack: str,
    canary: Path,
    bare_answers: dict[str, str],
    reader_store: Store,
    writer_store: Store,
    migrator_store: Store,
) -> None:
    if attack not in DULL:
        assert CANARY in bare_answers[attack], "the attack no longer works: sharpen it"
    sql = attack.replace("CANARY_FILE", str(canary))
    for store in (reader_store, writer_store, migrator_store):
        with pytest.raises(QueryRefused) as caught:
            store.query(sql, {"path": str(canary)})
        assert CANARY not in str(caught.value)
        assert caught.value.code in (62, 164, 497)


@pytest.mark.parametrize("attack", WRITES)
def test_writing_elsewhere_is_refused(
    attack: str,
    canary: Path,
    tmp_path: Path,
    reader_store: Store,
    writer_store: Store,
    migrator_store: Store,
) -> None:
    out = tmp_path / "out.csv"
    sql = attack.replace("CANARY_FILE", str(canary)).replace("OUT_FILE", str(out))
    for store in (reader_store, writer_store, migrator_store):
        with pytest.raises(QueryRefused) as caught:
            store.command(sql)
        assert caught.value.code in (62, 164, 497)
    assert not out.exists()


@pytest.mark.parametrize(
    "attack",
    [
        "ALTER TABLE spans (DELETE WHERE 0), (DROP COLUMN prompt)",
        "ALTER TABLE spans DELETE WHERE 0, (DROP COLUMN prompt)",
        "ALTER TABLE spans DELETE WHERE 0, DROP COLUMN prompt",
        "ALTER TABLE spans UPDATE name = 'x' WHERE 0, MODIFY TTL expires_on",
        "ALTER TABLE spans DROP PARTITION 20260101",
        "ALTER TABLE schema_migrations DELETE WHERE 1",
        "DELETE FROM schema_migrations WHERE 1",
        "DELETE FROM api_keys WHERE 1",
        "ALTER TABLE api_keys UPDATE role = 'admin' WHERE 1",
        "ALTER TABLE ledger DELETE WHERE 1",
        "INSERT INTO schema_migrations (number) VALUES (99)",
        "TRUNCATE TABLE spans",
        "OPTIMIZE TABLE spans FINAL",
        "OPTIMIZE TABLE spans PARTITION ID '20260101'",
        "RENAME TABLE spans TO spons",
        "UPDATE spans SET name = 'x' WHERE 1",
    ],
)
def test_a_writer_changes_rows_only(attack: str, writer_store: Store, reader_store: Store) -> None:
    for store in (writer_store, reader_store):
        with pytest.raises(QueryRefused) as caught:
            store.command(attack)
        assert caught.value.code in (164, 497)


@pytest.mark.parametrize("attack", NETWORK)
def test_other_hosts_and_insides_are_refused(
    attack: str, reader_store: Store, migrator_store: Store
) -> None:
    for store in (reader_store, migrator_store):
        with pytest.raises(QueryRefused) as caught:
            store.query(attack)
        assert caught.value.code == 497


def test_every_table_function_of_this_engine_is_judged(reader_store: Store) -> None:
    """A newer engine brings new functions: this fails until each is allowed or forbidden."""
    names = {
        row["name"].lower() for row in reader_store.query("SELECT name FROM system.table_functions")
    }
    assert len(names) > 50
    assert names - ALLOWED_TABLE_FUNCTIONS - FORBIDDEN_FUNCTIONS == set()


def test_functions_that_reach_out_are_forbidden(reader_store: Store) -> None:
    names = {row["name"] for row in reader_store.query("SELECT name FROM system.functions")}
    reaching = {name.lower() for name in names if name.startswith(("ai", "AI", "filesystem"))}
    assert len(reaching) > 8
    assert reaching <= FORBIDDEN_FUNCTIONS
