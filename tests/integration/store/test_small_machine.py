"""A store that is left alone on a small machine: no diaries of the engine, bounded memory, enough
open files."""

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest

from tachograph_store.client import Store, connect
from tachograph_store.queries.traces import trace_spans
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

START_NS = 1_790_000_000_000_000_000
DAY_NS = 86_400_000_000_000
DIARIES_WRITTEN_S = 9
"""The engine writes its diaries, where it keeps any, every 7.5 s."""
FAR = date(2099, 1, 1)


def span(project: str, trace: int, number: int, start_time: int) -> SpanRow:
    return SpanRow(
        project=project,
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        start_time=start_time,
        duration_ns=1,
        name="chat",
        prompt="words",
        content_hash=number,
        expires_on=FAR,
        content_expires_on=FAR,
    )


@pytest.mark.lesson(17, 18)
def test_the_engine_keeps_no_diary(
    store_server: StoreSettings, migrator_store: Store, project: str
) -> None:
    Writer(migrator_store).write_spans([span(project, 1, 1, START_NS)])
    migrator_store.query("SELECT count() AS n FROM spans")
    pid = json.loads((store_server.directory / "endpoint.json").read_text())["pid"]
    began = psutil.Process(pid).create_time()
    while time.time() - began < DIARIES_WRITTEN_S:
        time.sleep(0.1)
    kept = migrator_store.query(
        "SELECT DISTINCT database, table FROM system.parts WHERE database != 'default'"
    )
    assert kept == []
    (switch,) = migrator_store.query("SELECT value FROM system.settings WHERE name = 'log_queries'")
    assert switch == {"value": "0"}


@pytest.mark.lesson(19)
def test_merges_and_questions_share_one_bound_of_memory(
    store_server: StoreSettings, reader_store: Store
) -> None:
    (bound,) = reader_store.query(
        "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    )
    assert int(bound["value"]) == store_server.max_server_memory_bytes


@pytest.mark.lesson(19)
def test_inserts_wait_for_no_buffer(writer_store: Store, reader_store: Store) -> None:
    """The engine's default since 26.9 holds rows back, and lets callers wait, for others' rows."""
    for store in (writer_store, reader_store):
        (switch,) = store.query("SELECT value FROM system.settings WHERE name = 'async_insert'")
        assert switch == {"value": "0"}


@contextmanager
def soft_limit_of_open_files(limit: int) -> Iterator[None]:
    """For this process and those that it starts meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.lesson(20)
def test_a_low_limit_of_open_files_does_not_hide_spans(own_store: Any, project: str) -> None:
    """The engine raises the limit itself as far as it may; 240 parts are more files than 256."""
    with soft_limit_of_open_files(256):
        own_store.start()
    soft, hard = _limits(own_store.process.pid)
    assert soft == min(hard, 262_144)
    days = 80
    with connect(own_store.settings, "writer") as store:
        for batch in range(3):
            Writer(store).write_spans(
                [span(project, 1, batch * days + n, START_NS - n * DAY_NS) for n in range(days)]
            )
        assert len(trace_spans(store, project, f"{1:032x}")) == 3 * days


def _limits(pid: int) -> tuple[int, int]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    return int(soft), int(hard)
