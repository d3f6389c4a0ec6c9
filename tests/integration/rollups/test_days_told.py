"""Answers whose text came in events count among those that wait for a score, and are found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest
from tests.fixtures.bare_rows import lease_of, score_of
from tests.fixtures.module_store import module_store
from tests.integration.rollups.requests import request

from tachograph_store.client import Store
from tachograph_store.queries.finding import find_traces
from tachograph_store.queries.known_days import known_days
from tachograph_store.queries.overview import Coverage, overview_unscored
from tachograph_store.queries.selection import Selection
from tachograph_store.rollup import RollupJob
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

# The job visits every project: this module's only, not all that other tests wrote.
store_server, _, writer_store, _ = module_store()

SETTLED = timedelta(0)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FIRST = TODAY - timedelta(days=3)
MIDNIGHT = FIRST + timedelta(days=1)


def silent(project: str, number: int, start: datetime) -> SpanRow:
    """A model call whose text is nowhere."""
    return request(project, number, start, completion=None)


def choice(answer: SpanRow, later: timedelta = timedelta(seconds=1)) -> SpanRow:
    """The event with its text."""
    return replace(
        answer,
        span_id=f"{int(answer.span_id, 16) + 0xE000:016x}",
        parent_span_id=answer.span_id,
        start_time=answer.start_time + later // timedelta(microseconds=1) * 1000,
        name="gen_ai.choice",
        operation=None,
        is_counted=False,
        completion="told",
        content_hash=answer.content_hash + 0xE000,
    )


def asked(project: str, **filters: str) -> Selection:
    """From noon to noon: one whole day, and two cut ones."""
    since = FIRST + timedelta(hours=12)
    return Selection(project=project, since=since, until=since + timedelta(days=2), **filters)


def waiting(store: Store, project: str) -> Coverage:
    """What the question says, and that the list behind it has as many."""
    selection = asked(project)
    found = overview_unscored(store, selection)
    for order in ("newest", "slowest"):
        listed = find_traces(store, selection, only="unscored", order=order)
        assert len(listed.traces) == found.unscored
    assert overview_unscored(store, asked(project, tenant="")) == found
    return found


def days_known(store: Store, project: str) -> int:
    return len(known_days(store, asked(project), for_answers=True).days)


def test_they_wait_until_they_are_scored(writer_store: Store, project: str) -> None:
    cut, whole, scored, left_out, bare, own = (
        silent(project, number, FIRST + timedelta(hours=20 + 3 * number)) for number in range(6)
    )
    own = replace(own, completion="on its span")
    told = [choice(answer) for answer in (cut, whole, scored, left_out, own)]
    # Said long before its span began, or on behalf of none that counts: nothing to judge.
    failed = replace(silent(project, 7, MIDNIGHT + timedelta(hours=4)), status_code="ERROR")
    rows = [cut, whole, scored, left_out, bare, own, *told, failed, choice(failed)]
    Writer(writer_store).write_spans(rows)
    Writer(writer_store).write("scores", [score_of(scored)])
    Writer(writer_store).write("jobs", [lease_of(left_out, "e", "skipped")])
    expected = Coverage(answers=5, unscored=3, left_out=1)
    assert waiting(writer_store, project) == expected
    RollupJob(writer_store, SETTLED).run()
    assert days_known(writer_store, project) == 1
    assert waiting(writer_store, project) == expected


@pytest.mark.parametrize("hours", [3, 24 - 1 / 60], ids=["the same day", "the next one"])
def test_events_that_come_late_are_seen_before_the_job_and_after(
    writer_store: Store, project: str, hours: float
) -> None:
    answer = silent(project, 1, MIDNIGHT + timedelta(hours=hours))
    Writer(writer_store).write_spans([answer])
    RollupJob(writer_store, SETTLED).run()
    assert waiting(writer_store, project) == Coverage(answers=0, unscored=0)
    assert days_known(writer_store, project) == 1
    Writer(writer_store).write_spans([choice(answer, timedelta(minutes=30))])
    assert days_known(writer_store, project) == 0
    assert waiting(writer_store, project) == Coverage(answers=1, unscored=1)
    RollupJob(writer_store, SETTLED).run()
    assert days_known(writer_store, project) == 1
    assert waiting(writer_store, project) == Coverage(answers=1, unscored=1)


def test_days_added_up_without_them_are_added_up_again(writer_store: Store, project: str) -> None:
    answer = silent(project, 1, MIDNIGHT + timedelta(hours=23, minutes=50))
    Writer(writer_store).write_spans([answer, choice(answer, timedelta(minutes=30))])
    RollupJob(writer_store, SETTLED).run()
    writer_store.command(
        "INSERT INTO day_rollups SELECT * REPLACE (0 AS requests, 0 AS unscored, version + 1 AS version) "
        "FROM day_rollups WHERE project = {project:String} AND kind = 'answers'",
        {"project": project},
    )
    writer_store.command(
        "INSERT INTO day_rollups SELECT * REPLACE (version + 1 AS version) FROM day_rollups "
        "WHERE project = {project:String} AND kind = 'whole' AND is_valid",
        {"project": project},
    )
    assert overview_unscored(writer_store, asked(project)) == Coverage(answers=0, unscored=0)
    shipped = resources.files("tachograph_store") / "migrations" / "0035_days_told.sql"
    writer_store.command(shipped.read_text(encoding="utf-8"))
    assert days_known(writer_store, project) == 0
    RollupJob(writer_store, SETTLED).run()
    assert days_known(writer_store, project) == 1
    assert waiting(writer_store, project) == Coverage(answers=1, unscored=1)
