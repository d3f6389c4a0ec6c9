"""Spans are stored once each, whoever sends them again."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from tachograph_store.client import Store
from tachograph_store.columns import read_columns
from tachograph_store.errors import RowRefused
from tachograph_store.rows import IncidentRow, SpanRow
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


def test_ids_of_any_letters_are_found_again(writer_store: Store, project: str) -> None:
    """Imports name traces as they like; a look-up that misses one stores it twice."""
    names = ["it's", "back\\slash", "tab\tand\nline", "`", "naïve", "], ['", "", "abc1"]
    rows = [span(project, number, trace_id=name) for number, name in enumerate(names)]
    writer = Writer(writer_store)
    assert writer.write_spans(rows).stored == len(names)
    assert writer.write_spans(rows) == SpanWrite(0, len(names), 0)


@pytest.mark.lesson(8)
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


def test_the_same_spans_at_the_same_time(writer_store: Store, project: str) -> None:
    """A client that timed out sends again while the first request is still being stored."""
    writer = Writer(writer_store)
    rows = [span(project, number) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: writer.write_spans(rows), range(8)))
    assert sum(result.stored for result in results) == 200
    assert sum(result.duplicates for result in results) == 7 * 200
    assert plain_count(writer_store, project) == 200


def test_overlapping_batches_of_two_writers_at_once(writer_store: Store, project: str) -> None:
    """Two processes may both find nothing: readers with FINAL still see each span once."""
    rows = [span(project, number) for number in range(50)]
    writers = [Writer(writer_store) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda writer: writer.write_spans(rows), writers))
    final = writer_store.query(
        "SELECT count() AS n FROM spans FINAL WHERE project = {project:String}",
        {"project": project},
    )
    assert final == [{"n": 50}]


def test_more_rows_than_an_insert_and_more_days_than_a_block(
    writer_store: Store, project: str
) -> None:
    day_ns = 86_400_000_000_000
    rows = [span(project, n, start_time=START_NS - (n % 100) * day_ns) for n in range(11_000)]
    assert Writer(writer_store).write_spans(rows).stored == 11_000
    assert plain_count(writer_store, project) == 11_000
    assert Writer(writer_store).write_spans(rows[::7]).stored == 0


def test_a_correction_of_a_correction_in_one_batch(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    rows = [span(project, 1, name=f"version {n}", content_hash=n) for n in range(1, 4)]
    assert writer.write_spans(rows) == SpanWrite(stored=1, duplicates=0, corrections=2)
    assert writer.write_spans([rows[0]]) == SpanWrite(0, 0, 1)
    names = writer_store.query(
        "SELECT name FROM spans WHERE project = {project:String}", {"project": project}
    )
    assert names == [{"name": "version 1"}]


def test_projects_do_not_share_identities(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    both = [span(project, 1), span(f"{project}-other", 1, content_hash=9)]
    assert writer.write_spans(both) == SpanWrite(2, 0, 0)
    assert writer.write_spans(both) == SpanWrite(0, 2, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("start_time", "yesterday"),
        ("start_time", 2**80),
        ("name", None),
        ("list_cost", "cheap"),
        ("attributes", {"a": 1}),
        ("finish_reasons", [None]),
        ("event_times", ["x"]),
        ("expires_on", None),
    ],
)
def test_each_bad_value_is_refused_with_its_column(
    writer_store: Store, project: str, column: str, value: object
) -> None:
    good, bad = span(project, 1), span(project, 2, **{column: value})
    writer = Writer(writer_store)
    with pytest.raises(RowRefused) as caught:
        writer.write("spans", [good, bad])
    assert (caught.value.table, caught.value.column) == ("spans", column)
    assert plain_count(writer_store, project) == 0
    assert writer.write_spans([good]).stored == 1


def test_other_tables_replace_by_version(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    row = IncidentRow(
        project=project,
        incident_id="i",
        rule="r",
        state="pending",
        pending_at=datetime(2026, 9, 1, tzinfo=UTC),
        expires_on=date(2099, 1, 1),
    )
    assert writer.write("incidents", [row]) == 1
    assert writer.write("incidents", [dataclasses.replace(row, state="firing")]) == 1
    found = writer_store.query(
        "SELECT state FROM incidents FINAL WHERE project = {project:String}", {"project": project}
    )
    assert found == [{"state": "firing"}]
    assert writer.write("incidents", []) == 0
    assert writer.write_spans([]) == SpanWrite(0, 0, 0)


def test_one_key_twice_in_an_insert_is_told_apart_where_it_is_read(
    writer_store: Store, project: str
) -> None:
    row = IncidentRow(
        project=project,
        incident_id="i",
        rule="r",
        state="pending",
        pending_at=datetime(2026, 9, 1, tzinfo=UTC),
        expires_on=date(2099, 1, 1),
    )
    Writer(writer_store).write("incidents", [row, dataclasses.replace(row, state="firing")])
    for final, states in (("", {"pending", "firing"}), ("FINAL", {"firing"})):
        found = writer_store.query(
            f"SELECT state FROM incidents {final} WHERE project = {{project:String}}",
            {"project": project},
        )
        assert {row["state"] for row in found} == states


def test_a_block_sent_again_after_a_lost_answer_is_dropped(
    writer_store: Store, project: str
) -> None:
    """The client repeats an insert whose connection broke; the same block is stored once."""
    columns = read_columns(writer_store, "spans")
    values = columns.values([span(project, 1), span(project, 2)], 7, datetime.now(UTC))
    for _ in range(3):
        writer_store.insert("spans", columns.names, values, columns.types)
    assert plain_count(writer_store, project) == 2
