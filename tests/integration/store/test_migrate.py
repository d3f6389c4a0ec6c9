"""Applying migrations: once each, noticed when changed, safe to repeat."""

import os
import subprocess
import sys
from typing import Any

import pytest

from tachograph_store.client import Store, connect
from tachograph_store.errors import MigrationError
from tachograph_store.migrate import Migration, migrate, migrations_of, pending, shipped_migrations

CREATE = "CREATE TABLE IF NOT EXISTS later {on_cluster} (a UInt8) ENGINE = {mergetree} ORDER BY a"


def with_one_more(sql: str) -> list[Migration]:
    shipped = [(migration.name, migration.sql) for migration in shipped_migrations()]
    return migrations_of([*shipped, (f"{len(shipped) + 1:04d}_later.sql", sql)])


def test_a_new_migration_is_applied_once(own_store: Any) -> None:
    made = own_store.start()
    with connect(made.settings, "migrator") as store:
        more = with_one_more(CREATE)
        assert [m.number for m in migrate(store, made.settings, more)] == [len(more)]
        assert list(migrate(store, made.settings, more)) == []
        assert store.query("EXISTS TABLE later")[0]["result"] == 1
        with pytest.raises(MigrationError, match="changed after"):
            pending(store, with_one_more(CREATE + " -- touched"))
        with pytest.raises(MigrationError, match="upgrade tachograph"):
            pending(store)


def test_one_that_was_applied_but_not_recorded_is_applied_again(migrator_store: Store) -> None:
    settings = migrator_store.settings
    more = with_one_more(CREATE.replace("later", "twice"))
    migrator_store.command("DROP TABLE IF EXISTS twice")
    migrator_store.command("CREATE TABLE twice (a UInt8) ENGINE = MergeTree ORDER BY a")
    try:
        assert len(list(migrate(migrator_store, settings, more))) == 1
    finally:
        migrator_store.command("DROP TABLE IF EXISTS twice")
        migrator_store.command(
            "DELETE FROM schema_migrations WHERE number = {number:UInt32}", {"number": len(more)}
        )
    assert pending(migrator_store) == []


def test_rows_are_moved_hour_by_hour(own_store: Any) -> None:
    made = own_store.start()
    with connect(made.settings, "writer") as writer:
        writer.command(
            "INSERT INTO spans (project, trace_id, span_id, start_time, expires_on) "
            "SELECT 'p', toString(number), 's', toDateTime(1800000000 + 1000 * number), "
            "toDate('2099-01-01') FROM numbers(8)"
        )
    move = (
        "-- For each hour of spans\n"
        "INSERT INTO forgotten_traces (project, trace_id, since, version, expires_on) "
        "SELECT project, trace_id, toDateTime({hour:UInt32}, 'UTC'), 1, expires_on FROM spans "
        "WHERE toUnixTimestamp(toStartOfHour(start_time)) = {hour:UInt32}"
    )
    with connect(made.settings, "migrator") as store:
        assert len(list(migrate(store, made.settings, with_one_more(move)))) == 1
        moved = store.query(
            "SELECT since, count() AS traces FROM forgotten_traces GROUP BY since ORDER BY since"
        )
        parts = store.query(
            "SELECT count() AS parts FROM system.parts WHERE table = 'forgotten_traces' AND level = 0"
        )
    assert [row["traces"] for row in moved] == [4, 4]
    assert parts[0]["parts"] == 2


def test_one_that_outlasts_a_statement_is_waited_for(own_store: Any) -> None:
    own_store.environment["TACHOGRAPH_STORE_MAX_EXECUTION_TIME_S"] = "1"
    made = own_store.start()
    with connect(made.settings, "writer") as writer:
        writer.command(
            "INSERT INTO spans (project, trace_id, span_id, start_time, name, expires_on) "
            "SELECT 'p', toString(number), 's', now(), 'awake', toDate('2099-01-01') FROM numbers(5)"
        )
    slow = (
        "-- Slow.\nALTER TABLE spans UPDATE name = if(sleepEachRow(0.4) = 0, 'slept', '') WHERE 1"
    )
    with connect(made.settings, "migrator") as store:
        assert len(list(migrate(store, made.settings, with_one_more(slow)))) == 1
        assert store.query("SELECT DISTINCT name FROM spans") == [{"name": "slept"}]


@pytest.mark.usefixtures("store_server")
def test_the_command_says_what_is_there() -> None:
    program = "from tachograph_cli.main import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "migrate", "--dry-run"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=dict(os.environ),
    )
    assert (done.returncode, done.stdout.strip()) == (0, "the schema is up to date"), done.stderr
