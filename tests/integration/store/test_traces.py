"""The questions behind the list of traces and the page of one."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.queries.traces import (
    TraceFilter,
    TraceLine,
    list_traces,
    spans_by_ids,
    trace_scores,
    trace_spans,
)
from tachograph_store.rows import ScoreRow, SpanRow
from tachograph_store.writer import Writer

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
MINUTE_NS = 60_000_000_000


def span(project: str, trace: int, number: int, **changes: object) -> SpanRow:
    row = SpanRow(
        project=project,
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        start_time=nanoseconds(NOON) + trace * MINUTE_NS + number * 1_000_000,
        duration_ns=2_000_000_000,
        name="chat m",
        content_hash=number,
        expires_on=date(2099, 1, 1),
        content_expires_on=date(2099, 1, 1),
    )
    return dataclasses.replace(row, **changes)  # type: ignore[arg-type]


def whole_day(project: str, **changes: object) -> TraceFilter:
    wanted = TraceFilter(
        project=project, since=NOON - timedelta(days=1), until=NOON + timedelta(days=1)
    )
    return dataclasses.replace(wanted, **changes)  # type: ignore[arg-type]


@pytest.fixture
def traces(writer_store: Store, project: str) -> str:
    """Ten traces, each an application's root span with two model calls, one counted."""
    rows: list[SpanRow] = []
    for trace in range(10):
        root = span(project, trace, 1, name=f"answer {trace}", service_name="shop")
        facts: dict[str, object] = {
            "parent_span_id": root.span_id,
            "request_model": "m" if trace % 2 else "n",
            "tenant": "acme" if trace < 5 else "globex",
            "input_tokens": 10,
            "list_cost": Decimal("0.5"),
            "prompt": "secret words",
            "user": f"user-{trace}",
            "status_message": "out of memory" if trace == 3 else "",
        }
        rows += [
            root,
            span(project, trace, 2, is_counted=True, observer="proxy", **facts),
            span(project, trace, 3, **facts),
        ]
    Writer(writer_store).write_spans(rows)
    return project


def names(lines: object) -> list[str]:
    assert isinstance(lines, list)
    return [line.name for line in lines]


def test_newest_first_in_pages_without_gap_or_repeat(reader_store: Store, traces: str) -> None:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = list_traces(reader_store, whole_day(traces), limit=3, cursor=cursor)
        found += names(page.traces)
        cursor = page.next_cursor
    assert found == [f"answer {trace}" for trace in reversed(range(10))]
    assert cursor is None


def test_traces_that_go_on_for_long_are_on_one_page_only(writer_store: Store, project: str) -> None:
    # Five traces begin in the first minutes and each has a span every hour for six hours: below the
    # newest spans of all lie older ones of the same traces, many pages deep.
    rows = [
        span(project, trace, hour, start_time=nanoseconds(NOON) + hour * 60 * MINUTE_NS + trace)
        for trace in range(5)
        for hour in range(6)
    ]
    alone = [span(project, 9, 0, start_time=nanoseconds(NOON) + 30 * MINUTE_NS)]
    Writer(writer_store).write_spans([*rows, *alone])
    found: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = list_traces(writer_store, whole_day(project), limit=2, cursor=cursor)
        found += [line.trace_id for line in page.traces]
        cursor = page.next_cursor
    assert found == [f"{trace:032x}" for trace in (4, 3, 2, 1, 0, 9)]
    assert cursor is None


def test_a_line_sums_counted_spans_only(reader_store: Store, traces: str) -> None:
    line: TraceLine = list_traces(reader_store, whole_day(traces), limit=1).traces[0]
    assert (line.span_count, line.request_count) == (3, 1)
    assert (line.input_tokens, line.list_cost) == (10, Decimal("0.5"))
    assert (line.output_tokens, line.compute_cost, line.energy_j) == (None, None, None)
    assert (line.service_name, line.models, line.tenant) == ("shop", ["m"], "globex")
    assert line.start_time == nanoseconds(NOON) + 9 * MINUTE_NS + 1_000_000
    assert line.duration_ns == 2_002_000_000


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tenant": "acme"}, 5),
        ({"model": "m"}, 5),
        ({"model": "m", "tenant": "globex"}, 3),
        ({"tenant": "nobody"}, 0),
        ({"observer": "proxy"}, 10),
        ({"status": "ERROR"}, 0),
        ({"counted": True}, 10),
        ({"text": "ANSWER 7"}, 1),
        ({"text": f"{4:032x}"}, 1),
        ({"text": "secret"}, 0),
        ({"text": "user-7"}, 1),
        ({"text": "OUT OF mem"}, 1),
        ({"since": NOON + timedelta(minutes=8)}, 2),
        ({"until": NOON + timedelta(minutes=2)}, 2),
    ],
)
def test_filters(
    reader_store: Store, traces: str, changes: dict[str, object], expected: int
) -> None:
    assert len(list_traces(reader_store, whole_day(traces, **changes)).traces) == expected


def test_a_foreign_cursor_is_refused(reader_store: Store, project: str) -> None:
    with pytest.raises(QueryRefused, match="cursor"):
        list_traces(reader_store, whole_day(project), cursor="nonsense!")


def test_one_trace_with_content_and_scores(
    reader_store: Store, writer_store: Store, traces: str
) -> None:
    trace_id = f"{3:032x}"
    score = ScoreRow(
        project=traces,
        trace_id=trace_id,
        span_id=f"{2:016x}",
        span_time=nanoseconds(NOON) + 3 * MINUTE_NS + 2_000_000,
        evaluator="coherence",
        name="relevance",
        source="evaluator",
        value=0.25,
        offsets=[(0, 4, "off topic")],
        created_at=NOON,
        expires_on=date(2099, 1, 1),
    )
    Writer(writer_store).write("scores", [score])
    spans = trace_spans(reader_store, traces, trace_id)
    assert [row.prompt for row in spans] == [None, "secret words", "secret words"]
    assert spans[1].start_time == score.span_time
    scores = trace_scores(reader_store, traces, trace_id)
    assert [(s.value, s.span_time) for s in scores] == [(0.25, score.span_time)]
    page = list_traces(reader_store, whole_day(traces))
    assert page.scores[trace_id].lowest_score == 0.25
    ids = [(trace_id, f"{2:016x}"), (f"{4:032x}", f"{1:016x}"), ("f" * 32, "f" * 16)]
    assert {(s.trace_id, s.span_id) for s in spans_by_ids(reader_store, traces, ids)} == set(
        ids[:2]
    )


def test_a_corrected_span_is_listed_once(
    reader_store: Store, writer_store: Store, traces: str
) -> None:
    changed = span(traces, 9, 1, name="corrected", content_hash=77)
    Writer(writer_store).write_spans([changed])
    page = list_traces(reader_store, whole_day(traces))
    assert names(page.traces)[0] == "corrected"
    assert page.traces[0].span_count == 3
    assert len(trace_spans(reader_store, traces, changed.trace_id)) == 3
