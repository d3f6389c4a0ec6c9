"""The traces with the most of something: from days' tops as from their spans, always the same."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.fixtures.module_store import module_store
from tests.integration.rollups.requests import request

from tachograph_store import day_rollups
from tachograph_store.client import Store
from tachograph_store.day_rollups import TOP_TRACES
from tachograph_store.queries.finding import Order, find_traces
from tachograph_store.queries.known_days import known_days
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rollup import RollupJob
from tachograph_store.rollup_marks import mark_dirty
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

# The job visits every project: this module's only, not all that other tests wrote.
store_server, _, writer_store, _ = module_store()

SETTLED = timedelta(0)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FIRST = TODAY - timedelta(days=4)
ORDERS: Sequence[Order] = ("slowest", "dearest", "longest_prompt", "most_tokens")


def calls(project: str, count: int = 24) -> list[SpanRow]:
    """Two a trace, one of each in the first and the second day behind it; ties among all facts."""
    return [
        request(
            project,
            number,
            FIRST + timedelta(hours=3, days=number % 3, seconds=number),
            trace_id=f"{number // 2:032x}",
            duration_ns=number * 7 % 11,
            input_tokens=None if number % 5 == 1 else number * 5 % 7,
            output_tokens=number * 3 % 4,
            list_cost=None if number % 3 == 0 else Decimal(number * 11 % 13),
            compute_cost=None if number % 4 == 0 else Decimal(number % 6),
        )
        for number in range(count)
    ]


def place_of(row: SpanRow, order: Order) -> float:
    tokens = (row.input_tokens or 0, row.output_tokens or 0)
    cost = row.compute_cost if row.list_cost is None else row.list_cost
    return float(
        {
            "slowest": row.duration_ns,
            "dearest": cost or 0,
            "longest_prompt": tokens[0],
            "most_tokens": sum(tokens),
        }[order]
    )


def expected(rows: Sequence[SpanRow], selection: Selection, order: Order, limit: int) -> list[str]:
    since_ns, until_ns = nanoseconds(selection.since), nanoseconds(selection.until)
    asked = [row for row in rows if since_ns <= row.start_time < until_ns]
    asked.sort(key=lambda row: (-place_of(row, order), -row.start_time, row.trace_id))
    return list(dict.fromkeys(row.trace_id for row in asked))[:limit]


def ranged(project: str, **filters: str) -> Selection:
    """The last day is cut, those of the first two are whole."""
    until = FIRST + timedelta(days=2, hours=3, seconds=12)
    return Selection(project=project, since=FIRST, until=until, **filters)


def assert_right(store: Store, rows: Sequence[SpanRow], selection: Selection) -> None:
    for order in ORDERS:
        for limit in (1, 4, 50):
            found = find_traces(store, selection, order=order, limit=limit)
            assert [line.trace_id for line in found.traces] == expected(
                rows, selection, order, limit
            ), (order, limit)


def days_with_tops(store: Store, project: str) -> int:
    return len(known_days(store, ranged(project), for_tops=True).days)


def test_tops_of_days_answer_as_their_spans(writer_store: Store, project: str) -> None:
    rows = calls(project)
    Writer(writer_store).write_spans(rows)
    assert_right(writer_store, rows, ranged(project))
    RollupJob(writer_store, SETTLED).run()
    assert days_with_tops(writer_store, project) == 2
    assert_right(writer_store, rows, ranged(project))
    narrowed = ranged(project, tenant="nobody")
    assert find_traces(writer_store, narrowed, order="dearest").traces == []
    failed = find_traces(writer_store, ranged(project), order="dearest", only="failed")
    assert failed.traces == []


def test_whole_days_are_not_read_again(writer_store: Store, project: str) -> None:
    rows = calls(project)
    Writer(writer_store).write_spans(rows)
    RollupJob(writer_store, SETTLED).run()
    version = max(known_days(writer_store, ranged(project)).versions)
    # What no span says: read can only be the tops.
    writer_store.command(
        "INSERT INTO day_rollups (project, kind, day, segment, place, start_time, version, "
        "expires_on) SELECT {project:String}, 'slowest', {day:Date}, {trace:String}, 1e9, "
        "fromUnixTimestamp64Nano({ns:Int64}, 'UTC'), "
        "{version:UInt64}, toDate('2099-01-01')",
        {
            "project": project,
            "day": (FIRST + timedelta(days=1)).date(),
            "trace": rows[0].trace_id,
            "ns": rows[0].start_time,
            "version": version,
        },
    )
    slowest = find_traces(writer_store, ranged(project), order="slowest", limit=1)
    assert [line.trace_id for line in slowest.traces] == [rows[0].trace_id]


def test_a_day_of_more_than_is_kept_is_read_from_its_spans(
    writer_store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = calls(project)
    Writer(writer_store).write_spans(rows)
    for depth, looked_at in ((2, 1_000), (TOP_TRACES, 3)):
        for module in ("tachograph_store.day_rollups", "tachograph_store.queries.foremost"):
            monkeypatch.setattr(f"{module}.TOP_TRACES", depth)
            monkeypatch.setattr(f"{module}.TOP_REQUESTS", looked_at)
        day_rollups.DayRollups(writer_store, project).take_back(
            [(FIRST + timedelta(days=number)).date() for number in range(4)]
        )
        RollupJob(writer_store, SETTLED).run()
        assert days_with_tops(writer_store, project) == 2
        assert_right(writer_store, rows, ranged(project))


def test_late_and_deleted_requests_are_known_at_once(writer_store: Store, project: str) -> None:
    rows = calls(project)
    Writer(writer_store).write_spans(rows)
    RollupJob(writer_store, SETTLED).run()
    late = request(project, 99, FIRST + timedelta(hours=5), duration_ns=1_000)
    Writer(writer_store).write_spans([late])
    assert_right(writer_store, [*rows, late], ranged(project))
    gone = rows[3]
    writer_store.command(
        "DELETE FROM spans WHERE project = {project:String} AND trace_id = {trace:String}",
        {"project": project, "trace": gone.trace_id},
    )
    left = [row for row in (*rows, late) if row.trace_id != gone.trace_id]
    for row in rows:
        if row.trace_id == gone.trace_id:
            start = datetime.fromtimestamp(row.start_time // 10**9, UTC)
            mark_dirty(writer_store, project, start, start + timedelta(seconds=1))
    assert_right(writer_store, left, ranged(project))
    RollupJob(writer_store, SETTLED).run()
    assert days_with_tops(writer_store, project) == 2
    assert_right(writer_store, left, ranged(project))


def test_days_of_a_version_without_tops_are_added_up_again(
    writer_store: Store, project: str
) -> None:
    rows = calls(project)
    Writer(writer_store).write_spans(rows)
    RollupJob(writer_store, SETTLED).run()
    day = FIRST.date()
    version = time.time_ns() + 1
    writer_store.command(
        "INSERT INTO day_rollups SELECT * REPLACE (1 AS is_valid, {version:UInt64} AS version) "
        "FROM day_rollups WHERE project = {project:String} AND kind = 'whole' AND day = {day:Date} "
        "ORDER BY version DESC LIMIT 1",
        {"project": project, "day": day, "version": version},
    )
    assert days_with_tops(writer_store, project) == 1
    assert len(known_days(writer_store, ranged(project)).days) == 2
    assert_right(writer_store, rows, ranged(project))
    RollupJob(writer_store, SETTLED).run()
    assert days_with_tops(writer_store, project) == 2
