"""Days of a project's own: at the insert, and for what is stored already."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.fixtures.module_store import module_store

from tachograph_store.client import Store
from tachograph_store.retention import EXPIRIES, Retention, effective, expires
from tachograph_store.retention_rewrite import rewrite_expiry, rows_to_rewrite
from tachograph_store.rows import (
    EngineReadingRow,
    GpuReadingRow,
    RetentionRow,
    ScoreRow,
    SpanRow,
)
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

store_server, reader_store, writer_store, migrator_store = module_store()

pytestmark = pytest.mark.usefixtures("one_day")

DAY_NS = 86_400_000_000_000
FAR = date(2100, 1, 1)


def span(project: str, number: int, age_days: int = 0) -> SpanRow:
    return SpanRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=time.time_ns() - age_days * DAY_NS,
        duration_ns=1,
        name="chat",
        prompt="question",
        completion="answer",
        content_hash=number,
        expires_on=FAR,
        content_expires_on=FAR,
    )


def score(project: str, number: int, age_days: int = 0) -> ScoreRow:
    now = datetime.now(UTC)
    return ScoreRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        span_time=time.time_ns() - age_days * DAY_NS,
        evaluator="safety",
        name="toxicity",
        source="evaluator",
        value=1.0,
        created_at=now,
        expires_on=FAR,
    )


def readings(project: str, age_days: int) -> tuple[GpuReadingRow, EngineReadingRow]:
    moment = time.time_ns() - age_days * DAY_NS
    return (
        GpuReadingRow(project=project, gpu_id="GPU-1", time=moment, expires_on=FAR),
        EngineReadingRow(
            project=project, name="requests", time=moment, kind="gauge", value=1.0, expires_on=FAR
        ),
    )


def dates(store: Store, project: str, table: str, columns: str = "expires_on") -> list[Any]:
    rows = store.query(
        f"SELECT {columns} AS dates FROM {table} FINAL "
        f"WHERE project = {{project:String}} ORDER BY {EXPIRIES[table].time}",
        {"project": project},
    )
    return [row["dates"] for row in rows]


def count(store: Store, project: str, table: str) -> int:
    return len(dates(store, project, table))


def today() -> date:
    return datetime.now(UTC).date()


def rewrite(store: Store, project: str) -> None:
    for _ in rewrite_expiry(store, project, effective(store, project)):
        pass


def test_without_days_of_its_own_a_project_keeps_rows_as_given(
    writer_store: Store, project: str
) -> None:
    assert effective(writer_store, project) == Retention.of(writer_store.settings)
    Writer(writer_store).write_spans([span(project, 1)])
    assert dates(writer_store, project, "spans") == [FAR]


def test_new_rows_of_all_tables_get_the_projects_days(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    row = RetentionRow(project=project, spans_days=20, content_days=5, readings_days=3)
    writer.write("retention", [row])
    writer.write_spans([span(project, 1), span(f"{project}-other", 2)])
    writer.write("scores", [score(project, 1)])
    gpu, engine = readings(project, 0)
    writer.write("gpu_readings", [gpu])
    writer.write("engine_readings", [engine])
    both = "(expires_on, content_expires_on)"
    in_days = [today() + timedelta(days=days) for days in (3, 5, 20)]
    assert dates(writer_store, project, "spans", both) == [(in_days[2], in_days[1])]
    assert dates(writer_store, f"{project}-other", "spans", both) == [(FAR, FAR)]
    assert dates(writer_store, project, "scores") == [in_days[2]]
    assert dates(writer_store, project, "gpu_readings") == [in_days[0]]
    assert dates(writer_store, project, "engine_readings") == [in_days[0]]


def test_content_goes_with_its_span_at_the_latest(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    writer.write("retention", [RetentionRow(project=project, spans_days=4)])
    assert effective(writer_store, project).content_days == 4
    writer.write_spans([span(project, 1)])
    assert dates(writer_store, project, "spans", "content_expires_on") == [
        today() + timedelta(days=4)
    ]


def test_a_change_reaches_stored_rows_of_that_project_only(
    writer_store: Store, project: str
) -> None:
    writer = Writer(writer_store)
    other = f"{project}-other"
    for name in (project, other):
        writer.write_spans([span(name, number, age) for number, age in ((1, 0), (2, 10))])
        writer.write("scores", [score(name, number, age) for number, age in ((1, 0), (2, 10))])
        for age in (0, 10):
            gpu, engine = readings(name, age)
            writer.write("gpu_readings", [gpu])
            writer.write("engine_readings", [engine])
    writer.write(
        "retention",
        [RetentionRow(project=project, spans_days=8, content_days=6, readings_days=7)],
    )
    rewrite(writer_store, project)

    # A span that has expired by its new days waits for the books to count it; its content does not.
    assert dates(writer_store, project, "spans") == [
        today() + timedelta(days=1),
        today() + timedelta(days=8),
    ]
    assert dates(writer_store, project, "spans", "prompt") == [None, "question"]
    assert dates(writer_store, project, "scores") == [today() + timedelta(days=8)]
    assert dates(writer_store, project, "gpu_readings") == [today() + timedelta(days=7)]
    assert dates(writer_store, project, "engine_readings") == [today() + timedelta(days=7)]
    for table in ("spans", "scores", "gpu_readings", "engine_readings"):
        assert dates(writer_store, other, table) == [FAR, FAR]
    assert dates(writer_store, other, "spans", "prompt") == ["question", "question"]
    days = effective(writer_store, project)
    assert [rows_to_rewrite(writer_store, project, days, table) for table in EXPIRIES] == [0] * 5


def test_the_job_may_die_at_any_statement_and_be_done_twice(
    writer_store: Store, project: str
) -> None:
    writer = Writer(writer_store)
    writer.write_spans([span(project, number, number % 3) for number in range(1, 50)])
    writer.write("scores", [score(project, number) for number in range(1, 50)])
    days = Retention(spans_days=30, content_days=20, readings_days=5, rollups_days=9)
    steps = 0
    while True:  # each time it gets one step further before it dies
        job = rewrite_expiry(writer_store, project, days)
        taken = sum(1 for _ in zip(range(steps + 1), job, strict=False))
        if taken <= steps:
            break
        steps += 1
        assert count(writer_store, project, "spans") == 49
    assert all(day >= today() + timedelta(days=27) for day in dates(writer_store, project, "spans"))
    assert set(dates(writer_store, project, "scores")) == {today() + timedelta(days=30)}


def test_days_that_have_come_are_not_changed(writer_store: Store, project: str) -> None:
    """The books may have counted such a span: it must not come alive again."""
    gone = today() - timedelta(days=3)
    row = span(project, 1)
    Writer(writer_store).write_spans([row, span(project, 2)])
    writer_store.command(
        "ALTER TABLE spans UPDATE expires_on = {day:Date} WHERE project = {project:String} "
        "AND trace_id = {trace_id:String}",
        {"day": gone, "project": project, "trace_id": row.trace_id},
    )
    days = Retention(spans_days=30, content_days=20, readings_days=5, rollups_days=9)
    for _ in rewrite_expiry(writer_store, project, days):
        pass
    assert dates(writer_store, project, "spans") == [gone, today() + timedelta(days=30)]


def test_far_dates_do_not_begin_again_in_1970(writer_store: Store, project: str) -> None:
    Writer(writer_store).write_spans([span(project, 1)])
    days = Retention(spans_days=36_500, content_days=36_500, readings_days=1, rollups_days=1)
    for _ in rewrite_expiry(writer_store, project, days):
        pass
    assert dates(writer_store, project, "spans")[0] > date(2120, 1, 1)
    assert expires(time.time_ns(), 60_000) == date(2149, 6, 6)


Tachograph = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tachograph(store_server: StoreSettings) -> Tachograph:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tachograph_cli", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "100"},
            timeout=300,
            check=False,
        )

    return run


def test_the_command_sets_applies_and_shows(
    tachograph: Tachograph, writer_store: Store, project: str
) -> None:
    Writer(writer_store).write_spans([span(project, 1)])
    done = tachograph("retention", "set", "--project", project, "--spans-days", "12")
    assert done.returncode == 0, done.stderr
    assert dates(writer_store, project, "spans") == [today() + timedelta(days=12)]
    shown = tachograph("retention", "show", "--project", project).stdout
    assert "12" in shown and "this project" in shown and "the settings" in shown
    tachograph("retention", "set", "--project", project, "--spans-days", "default")
    settings = writer_store.settings
    assert dates(writer_store, project, "spans") == [
        today() + timedelta(days=settings.retention_days)
    ]


@pytest.mark.parametrize("days", ["0", "-1", "36501", "many"])
def test_the_command_refuses_what_is_no_retention(
    tachograph: Tachograph, project: str, days: str
) -> None:
    refused = tachograph("retention", "set", "--project", project, f"--spans-days={days}")
    assert refused.returncode == 2
    assert "spans-days" in refused.stderr


def test_the_command_wants_something_to_set(tachograph: Tachograph, project: str) -> None:
    refused = tachograph("retention", "set", "--project", project)
    assert refused.returncode == 1
    assert "nothing to set" in refused.stderr
