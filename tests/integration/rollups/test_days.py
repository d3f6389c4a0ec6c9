"""Days that were added up: they answer alone, and only as long as nothing of them changed."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.bare_rows import score_of
from tests.fixtures.module_store import module_store
from tests.integration.rollups.requests import request

from tachograph_collector.rollup_loop import RollupLoop
from tachograph_store.client import Store
from tachograph_store.day_rollups import DayRollups, remove_days
from tachograph_store.queries.known_days import known_days
from tachograph_store.queries.overview import Coverage, overview_unscored
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.queries.top import top_segments
from tachograph_store.rollup import RollupJob
from tachograph_store.rollup_marks import mark_dirty
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

# The job visits every project: this module's only, not all that other tests wrote.
store_server, _, writer_store, _ = module_store()

SETTLED = timedelta(0)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FIRST = TODAY - timedelta(days=4)
STEP = timedelta(hours=5)
COUNT = 15  # three days and a bit


def calls(project: str) -> list[SpanRow]:
    return [
        request(
            project,
            number,
            FIRST + number * STEP,
            user=f"user-{number % 4}",
            session=None if number % 5 else "session",
            completion="yes",
            input_tokens=number,
            duration_ns=number + 1,
            status_code="ERROR" if number % 7 == 3 else "OK",
            list_cost=None if number % 3 else Decimal(number),
        )
        for number in range(COUNT)
    ]


def ranged(project: str) -> Selection:
    """The first and the last day are cut."""
    since = FIRST + timedelta(hours=7)
    return Selection(project=project, since=since, until=since + timedelta(days=3))


def within(rows: Sequence[SpanRow], selection: Selection) -> list[SpanRow]:
    since_ns, until_ns = nanoseconds(selection.since), nanoseconds(selection.until)
    return [row for row in rows if since_ns <= row.start_time < until_ns]


def assert_right(store: Store, project: str, rows: Sequence[SpanRow]) -> None:
    selection = ranged(project)
    asked = within(rows, selection)
    found = {one.segment: one for one in top_segments(store, selection, "user", "most_tokens")}
    assert {name: one.requests for name, one in found.items()} == Counter(r.user for r in asked)
    for name, one in found.items():
        own = [row for row in asked if row.user == name]
        costs = [row.list_cost for row in own if row.list_cost is not None]
        assert one.errors == sum(row.status_code == "ERROR" for row in own)
        assert one.input_tokens == sum(row.input_tokens or 0 for row in own)
        assert one.longest_prompt_tokens == max(row.input_tokens or 0 for row in own)
        assert one.list_cost == (sum(costs) if costs else None)
        assert one.max_duration_ns == max(row.duration_ns for row in own)
        total_ns = sum(row.duration_ns for row in own)
        assert one.mean_duration_s == pytest.approx(total_ns / len(own) / 1e9)
    answers = sum(row.status_code != "ERROR" for row in asked)
    assert overview_unscored(store, selection) == Coverage(answers=answers, unscored=answers)


def filled(store: Store, project: str) -> list[SpanRow]:
    rows = calls(project)
    Writer(store).write_spans(rows)
    RollupJob(store, SETTLED).run()
    return rows


def days_of(store: Store, project: str) -> list[date]:
    return list(known_days(store, ranged(project)).days)


WHOLE_DAYS = [(FIRST + timedelta(days=n)).date() for n in (1, 2)]


def test_totals_of_days_answer_without_their_spans(writer_store: Store, project: str) -> None:
    rows = filled(writer_store, project)
    assert days_of(writer_store, project) == WHOLE_DAYS
    assert_right(writer_store, project, rows)
    # Deleted behind everybody's back: what is read of these days is not the spans.
    middle = nanoseconds(FIRST + timedelta(days=1))
    writer_store.command(
        "DELETE FROM spans WHERE project = {project:String} AND start_time >= "
        "fromUnixTimestamp64Nano({since:Int64}, 'UTC') AND start_time < "
        "fromUnixTimestamp64Nano({until:Int64}, 'UTC')",
        {"project": project, "since": middle, "until": middle + 2 * 86_400 * 10**9},
    )
    assert_right(writer_store, project, rows)
    # A narrowed question reads spans.
    narrowed = Selection(project=project, since=FIRST, until=TODAY, tenant="t")
    assert known_days(writer_store, narrowed).days == ()


def test_a_late_span_counts_before_the_job_and_after(writer_store: Store, project: str) -> None:
    rows = filled(writer_store, project)
    late = request(
        project, 99, FIRST + timedelta(days=1, hours=3), user="late", completion="yes",
        input_tokens=1,
    )  # fmt: skip
    Writer(writer_store).write_spans([late])
    assert days_of(writer_store, project) == WHOLE_DAYS[1:]
    assert_right(writer_store, project, [*rows, late])
    # Taken back before the cursor passes it, computed again once it has rested.
    RollupJob(writer_store, timedelta(hours=1)).run()
    RollupJob(writer_store, timedelta(microseconds=1)).run()
    assert_right(writer_store, project, [*rows, late])
    RollupJob(writer_store, SETTLED).run()
    assert days_of(writer_store, project) == WHOLE_DAYS
    assert_right(writer_store, project, [*rows, late])


def test_what_was_deleted_and_marked_is_gone(writer_store: Store, project: str) -> None:
    rows = filled(writer_store, project)
    gone = rows[6]
    writer_store.command(
        "DELETE FROM spans WHERE project = {project:String} AND trace_id = {trace:String}",
        {"project": project, "trace": gone.trace_id},
    )
    start = datetime.fromtimestamp(gone.start_time // 10**9, UTC)
    mark_dirty(writer_store, project, start, start + timedelta(seconds=1))
    left = [row for row in rows if row is not gone]
    assert_right(writer_store, project, left)
    RollupJob(writer_store, SETTLED).run()
    assert days_of(writer_store, project) == WHOLE_DAYS
    assert_right(writer_store, project, left)


def test_a_score_is_seen_before_the_job_and_after(writer_store: Store, project: str) -> None:
    rows = filled(writer_store, project)
    before = overview_unscored(writer_store, ranged(project))
    Writer(writer_store).write("scores", [score_of(rows[6])])
    for _ in range(2):
        now = overview_unscored(writer_store, ranged(project))
        assert now == Coverage(answers=before.answers, unscored=before.unscored - 1)
        RollupJob(writer_store, SETTLED).run()
    assert len(known_days(writer_store, ranged(project), for_answers=True).days) == 2


def test_a_job_that_died_leaves_nothing_to_read(writer_store: Store, project: str) -> None:
    Writer(writer_store).write_spans(calls(project))
    steps = RollupJob(writer_store, SETTLED).steps()
    for step in steps:
        if step.project == project and days_of(writer_store, project):
            break
    day = WHOLE_DAYS[0]
    # Another one has begun to compute it, and what it wrote so far is not all.
    begun = time.time_ns() + 1
    DayRollups(writer_store, project)._note([day], 2, begun)
    assert day not in days_of(writer_store, project)
    # What the first one says only now, of what it computed before, is not believed.
    writer_store.command(
        "INSERT INTO day_rollups (project, kind, day, is_valid, spans_expire_on, version, "
        "expires_on) SELECT {project:String}, 'whole', {day:Date}, 1, toDate('2099-01-01'), "
        "{version:UInt64}, toDate('2099-01-01')",
        {"project": project, "day": day, "version": begun - 1},
    )
    assert day not in days_of(writer_store, project)
    RollupJob(writer_store, SETTLED).run()
    assert days_of(writer_store, project) == WHOLE_DAYS
    assert_right(writer_store, project, calls(project))


def test_texts_that_expire_are_asked_for_again(writer_store: Store, project: str) -> None:
    filled(writer_store, project)
    writer_store.command(
        "INSERT INTO day_rollups SELECT * REPLACE (toDate(now('UTC')) AS answers_expire_on, "
        "version + 1 AS version) FROM day_rollups "
        "WHERE project = {project:String} AND kind = 'whole' AND day = {day:Date}",
        {"project": project, "day": WHOLE_DAYS[0]},
    )
    assert days_of(writer_store, project) == WHOLE_DAYS
    known = known_days(writer_store, ranged(project), for_answers=True)
    assert list(known.days) == WHOLE_DAYS[1:]


def test_days_that_are_removed_are_added_up_again(writer_store: Store, project: str) -> None:
    rows = filled(writer_store, project)
    list(remove_days(writer_store, project))
    assert days_of(writer_store, project) == []
    assert_right(writer_store, project, rows)
    RollupJob(writer_store, SETTLED).run()
    assert days_of(writer_store, project) == WHOLE_DAYS
    assert_right(writer_store, project, rows)


def test_days_that_an_upgrade_adds_up_anew_are_told(
    writer_store: Store, project: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled(writer_store, project)
    list(remove_days(writer_store, project))
    loop = RollupLoop(writer_store, tmp_path / "rollups.lock")
    deadline = time.monotonic() + 300
    with caplog.at_level("INFO", logger="tachograph_collector.rollup_loop"):
        loop.start()
        while not any(f"3 of 3 past days of project {project};" in m for m in caplog.messages):
            assert time.monotonic() < deadline, caplog.messages
            time.sleep(0.1)
        assert loop.stop(180)
    assert loop.problem is None
