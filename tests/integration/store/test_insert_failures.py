"""An insert that the engine could not carry out is never answered as if it had been.

chDB's streaming insert says nothing when the engine throws while it processes the rows: a full disk, no
memory, too many parts, a constraint. Everything that is acknowledged rests on hearing of it.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tachograph_store.client import Store, connect
from tachograph_store.errors import QueryRefused, StoreError, StoreUnavailable
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

LATER = datetime.now(UTC).date() + timedelta(days=9)


def _span(project: str, name: str) -> SpanRow:
    return SpanRow(
        project=project,
        trace_id=secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        start_time=time.time_ns(),
        duration_ns=1,
        name=name,
        expires_on=LATER,
        content_expires_on=LATER,
    )


@pytest.fixture
def choosy(store_server: StoreSettings, project: str) -> Iterator[None]:
    """The engine throws at rows of the test's project that are named `bad`."""
    with connect(store_server, "migrator") as store:
        store.command(
            "ALTER TABLE spans ADD COLUMN choosy UInt8 "
            f"MATERIALIZED throwIf(project = '{project}' AND name = 'bad', 'not wanted')"
        )
        yield
        store.command("ALTER TABLE spans DROP COLUMN choosy")


def _names(store: Store, project: str) -> list[str]:
    rows = store.query(
        "SELECT name FROM spans WHERE project = {project:String}", {"project": project}
    )
    return sorted(row["name"] for row in rows)


@pytest.mark.usefixtures("choosy")
def test_what_the_engine_throws_reaches_who_inserted(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    writer = Writer(writer_store)
    for _ in range(20):
        with pytest.raises(QueryRefused, match="not wanted") as refused:
            writer.write_spans([_span(project, "good"), _span(project, "bad")])
        assert refused.value.code == 395
    assert _names(reader_store, project) == []
    writer.write_spans([_span(project, "good")])
    assert _names(reader_store, project) == ["good"]


def test_a_block_of_too_many_partitions_is_refused_aloud(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    day_ns = 86_400 * 10**9
    now = time.time_ns()
    columns = ["project", "trace_id", "span_id", "start_time", "expires_on"]
    types = ["String", "String", "String", "DateTime64(9, 'UTC')", "Date"]
    ids = [f"{day:032x}" for day in range(150)]
    values: list[list[Any]] = [
        [project] * 150,
        ids,
        [i[:16] for i in ids],
        [now - day * day_ns for day in range(150)],
        [LATER] * 150,
    ]
    with pytest.raises(StoreUnavailable) as refused:
        writer_store.insert("spans", columns, values, types)
    assert refused.value.code == 252
    assert _names(reader_store, project) == []


@pytest.mark.usefixtures("choosy")
def test_inserts_at_the_same_time_each_hear_of_their_own_failure(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    taken: list[str] = []
    heard: list[str] = []

    def write(name: str) -> None:
        writer = Writer(writer_store)
        for number in range(15):
            try:
                writer.write_spans([_span(project, name if name == "bad" else f"{name}-{number}")])
                taken.append(name if name == "bad" else f"{name}-{number}")
            except StoreError:
                heard.append(name)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("bad", "bad", "a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard.count("bad") == 30
    # A neighbour of a failure may be told to come again though it was stored; never the reverse.
    assert set(taken) <= set(_names(reader_store, project))
