"""Spans are stored once each, whoever sends them again."""

import dataclasses
from datetime import date, timedelta

import pytest

from tachograph_store.client import Store
from tachograph_store.errors import RowRefused
from tachograph_store.rows import SpanRow
from tachograph_store.writer import SpanWrite, Writer

START_NS = 1_790_000_000_000_000_000


def span(project: str, number: int, **changes: object) -> SpanRow:
    row = SpanRow(
        project=project,
        trace_id=f"{number // 4:032x}",
        span_id=f"{number:016x}",
        start_time=START_NS + number * 1_000_000,
        duration_ns=1_000,
        name="chat",
        content_hash=number + 1,
        expires_on=date.today() + timedelta(days=90),
        content_expires_on=date.today() + timedelta(days=30),
    )
    return dataclasses.replace(row, **changes)  # type: ignore[arg-type]


def plain_count(store: Store, project: str) -> int:
    rows = store.query(
        "SELECT count() AS n FROM spans WHERE project = {project:String}", {"project": project}
    )
    return int(rows[0]["n"])


def test_a_batch_sent_twice_is_stored_once(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    rows = [span(project, number) for number in range(100)]
    assert writer.write_spans(rows) == SpanWrite(stored=100, duplicates=0, corrections=0)
    assert writer.write_spans(rows) == SpanWrite(stored=0, duplicates=100, corrections=0)
    assert plain_count(writer_store, project) == 100


def test_repeats_inside_a_batch(writer_store: Store, project: str) -> None:
    rows = [span(project, 1), span(project, 1), span(project, 2)]
    assert Writer(writer_store).write_spans(rows) == SpanWrite(2, 1, 0)
    assert plain_count(writer_store, project) == 2


def test_a_correction_replaces(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    writer.write_spans([span(project, 1), span(project, 2)])
    changed = span(project, 1, name="changed", content_hash=99)
    assert writer.write_spans([changed]) == SpanWrite(0, 0, 1)
    assert plain_count(writer_store, project) == 2
    names = writer_store.query(
        "SELECT name FROM spans FINAL WHERE project = {project:String} ORDER BY span_id",
        {"project": project},
    )
    assert [row["name"] for row in names] == ["changed", "chat"]


def test_a_bad_row_names_its_column(writer_store: Store, project: str) -> None:
    with pytest.raises(RowRefused) as caught:
        Writer(writer_store).write_spans([span(project, 1, duration_ns=None)])
    assert (caught.value.table, caught.value.column) == ("spans", "duration_ns")
    assert plain_count(writer_store, project) == 0
