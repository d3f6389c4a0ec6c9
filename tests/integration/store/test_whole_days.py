"""Ranges of days: those within are asked for by name, those at both ends by time; nothing twice."""

import dataclasses
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.fixtures.bare_rows import lease_of, score_of

from tachograph_store.client import Store
from tachograph_store.queries.finding import find_traces
from tachograph_store.queries.overview import Coverage, overview_unscored
from tachograph_store.queries.selection import Selection, nanoseconds, whole_days
from tachograph_store.queries.top import top_segments
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

MIDNIGHT = datetime(2026, 9, 1, tzinfo=UTC)
STEP = timedelta(hours=5)
COUNT = 30  # six days and a bit
FAR = date(2099, 1, 1)
RANGES = {
    "cut at both ends": (timedelta(hours=7), timedelta(days=4, hours=9)),
    "whole days only": (timedelta(days=1), timedelta(days=4)),
    "no whole day": (timedelta(hours=7), timedelta(days=1, hours=20)),
    "one instant too short": (timedelta(microseconds=1), timedelta(days=3, microseconds=1)),
}


@pytest.fixture(scope="module")
def calls(writer_store: Store) -> tuple[str, list[SpanRow]]:
    """A project with a call every five hours, the first one at midnight; every third is scored."""
    project = "whole-days"
    rows = [
        SpanRow(
            project=project,
            trace_id=f"{number:032x}",
            span_id=f"{number:016x}",
            start_time=nanoseconds(MIDNIGHT + number * STEP),
            duration_ns=1_000_000_000 + number,
            name="chat",
            observer="proxy",
            is_counted=True,
            operation="chat",
            completion="yes",
            user=f"user-{number % 4}",
            list_cost=Decimal(number * 7 % 11) if number % 3 else None,
            compute_cost=Decimal(number * 5 % 7) if number % 4 else None,
            content_hash=number,
            expires_on=FAR,
            content_expires_on=FAR,
        )
        for number in range(COUNT)
    ]
    # One trace has spans in a cut day and in a whole one.
    rows.append(
        dataclasses.replace(
            rows[2], span_id="f" * 16, start_time=nanoseconds(MIDNIGHT + timedelta(days=1, hours=1))
        )
    )
    Writer(writer_store).write_spans(rows)
    scored = [score_of(row) for row in rows[::3]]
    Writer(writer_store).write("scores", scored)
    decided = [
        *((row, "skipped") for row in rows[::2]),  # every third of them is scored all the same
        *((row, "leased") for row in rows[::4]),  # left out by one evaluator, awaited by another
    ]
    Writer(writer_store).write(
        "jobs", [lease_of(row, f"e-{state}", state) for row, state in decided]
    )
    return project, rows


@pytest.fixture(params=RANGES)
def asked(
    request: pytest.FixtureRequest, calls: tuple[str, list[SpanRow]]
) -> tuple[Selection, list[SpanRow]]:
    """A range, and the calls within it."""
    project, rows = calls
    since, until = (MIDNIGHT + offset for offset in RANGES[request.param])
    selection = Selection(project=project, since=since, until=until)
    return selection, [r for r in rows if nanoseconds(since) <= r.start_time < nanoseconds(until)]


def test_the_dearest_come_first(
    reader_store: Store, asked: tuple[Selection, list[SpanRow]]
) -> None:
    selection, rows = asked

    def price(row: SpanRow) -> Decimal:
        known = row.compute_cost if row.list_cost is None else row.list_cost
        return Decimal(0) if known is None else known

    ordered = sorted(rows, key=lambda row: (-price(row), -row.start_time))
    expected = list(dict.fromkeys(row.trace_id for row in ordered))
    for limit in (3, 50):
        found = find_traces(reader_store, selection, order="dearest", limit=limit)
        assert [line.trace_id for line in found.traces] == expected[:limit]
        assert found.is_cut == (len(expected) > limit)


def test_users_are_added_up(reader_store: Store, asked: tuple[Selection, list[SpanRow]]) -> None:
    selection, rows = asked
    found = top_segments(reader_store, selection, "user", "dearest")
    assert {one.segment: one.requests for one in found} == Counter(row.user for row in rows)


def test_answers_that_were_left_out_do_not_wait(
    reader_store: Store, asked: tuple[Selection, list[SpanRow]], calls: tuple[str, list[SpanRow]]
) -> None:
    selection, rows = asked
    scored = {row.span_id for row in calls[1][::3]}
    skipped = {row.span_id for row in calls[1][::2]} - {row.span_id for row in calls[1][::4]}
    left_out = sum(row.span_id in skipped - scored for row in rows)
    unscored = sum(row.span_id not in scored | skipped for row in rows)
    found = overview_unscored(reader_store, selection)
    assert found == Coverage(answers=len(rows), unscored=unscored, left_out=left_out)
    assert found.scored == sum(row.span_id in scored for row in rows)
    for order in ("newest", "slowest"):
        listed = find_traces(reader_store, selection, only="unscored", order=order, limit=50)
        expected = {row.trace_id for row in rows if row.span_id not in scored | skipped}
        assert {line.trace_id for line in listed.traces} == expected


def test_a_range_names_its_whole_days() -> None:
    def named(since: datetime, until: datetime) -> tuple[object, ...]:
        return tuple(whole_days(since, until).values())

    day = timedelta(days=1)
    assert named(MIDNIGHT, MIDNIGHT + day) == ("20260901", "20260902")
    assert named(MIDNIGHT + timedelta(seconds=1), MIDNIGHT + 2 * day) == ("20260902", "20260903")
    assert named(MIDNIGHT + timedelta(seconds=1), MIDNIGHT + day) == ("", "")
    assert named(MIDNIGHT, MIDNIGHT + day - timedelta(microseconds=1)) == ("", "")
