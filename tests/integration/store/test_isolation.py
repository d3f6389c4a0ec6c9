"""Two projects with the same ids: no question of one ever shows a row of the other."""

from datetime import UTC, date, datetime, timedelta

from tachograph_store.client import Store
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.queries.traces import (
    TraceFilter,
    list_traces,
    spans_by_ids,
    trace_scores,
    trace_spans,
)
from tachograph_store.rows import ScoreRow, SpanRow
from tachograph_store.writer import Writer

NOON = datetime(2026, 9, 2, 12, tzinfo=UTC)
TRACE, SPAN = "a" * 32, "b" * 16


def seed(store: Store, project: str) -> None:
    span = SpanRow(
        project=project,
        trace_id=TRACE,
        span_id=SPAN,
        start_time=nanoseconds(NOON),
        duration_ns=1,
        name=project,
        prompt=project,
        content_hash=1,
        expires_on=date(2099, 1, 1),
        content_expires_on=date(2099, 1, 1),
    )
    score = ScoreRow(
        project=project,
        trace_id=TRACE,
        span_id=SPAN,
        span_time=nanoseconds(NOON),
        evaluator="e",
        name=project,
        source="evaluator",
        created_at=NOON,
        expires_on=date(2099, 1, 1),
    )
    Writer(store).write_spans([span])
    Writer(store).write("scores", [score])


def test_the_same_trace_id_in_two_projects(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    other = f"{project}-other"
    seed(writer_store, project)
    seed(writer_store, other)
    for asked in (project, other):
        wanted = TraceFilter(
            project=asked, since=NOON - timedelta(hours=1), until=NOON + timedelta(hours=1)
        )
        page = list_traces(reader_store, wanted)
        assert [(line.name, line.span_count) for line in page.traces] == [(asked, 1)]
        assert page.scores[TRACE].score_count == 1
        assert [row.prompt for row in trace_spans(reader_store, asked, TRACE)] == [asked]
        assert [row.name for row in trace_scores(reader_store, asked, TRACE)] == [asked]
        assert [row.project for row in spans_by_ids(reader_store, asked, [(TRACE, SPAN)])] == [
            asked
        ]
    nobody = TraceFilter(project=f"{project}-nobody", since=NOON, until=NOON + timedelta(hours=1))
    assert list_traces(reader_store, nobody).traces == []
    assert trace_spans(reader_store, nobody.project, TRACE) == []
