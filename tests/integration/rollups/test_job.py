"""The job: when it computes a minute, how often, what it leaves alone, and who runs it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.module_store import module_store
from tests.fixtures.store_process import running_store
from tests.integration.rollups.requests import HOUR, request

from tachograph_store.client import Store, connect
from tachograph_store.queries.counted import Dimension, counted_requests
from tachograph_store.queries.selection import Selection
from tachograph_store.rollup import MAX_GROUPS, RollupJob, Step, exclusive_job
from tachograph_store.rollup_marks import mark_dirty
from tachograph_store.writer import Writer

# What each run of the job did is counted: no collector of other tests may run it meanwhile.
store_server, _, writer_store, _ = module_store()

SETTLED = timedelta(0)
DEADLINE_S = 180.0


def rollups(store: Store, project: str, period_s: int = 60) -> list[dict[str, Any]]:
    return store.query(
        "SELECT grouping, period_start, model, tenant, requests, version FROM rollups FINAL "
        "WHERE project = {project:String} AND period_s = {period_s:UInt16} "
        "ORDER BY grouping, period_start, model, tenant",
        {"project": project, "period_s": period_s},
    )


def selected(project: str) -> Selection:
    return Selection(
        project=project, since=HOUR - timedelta(days=2), until=HOUR + timedelta(hours=2)
    )


def requests_of(store: Store, project: str) -> int:
    return sum(one.sums.requests for one in counted_requests(store, selected(project)))


def minutes_computed(steps: Sequence[Step], project: str) -> int:
    return max((step.minutes for step in steps if step.project == project), default=0)


def test_a_minute_is_computed_once_it_has_come_to_rest(writer_store: Store, project: str) -> None:
    Writer(writer_store).write_spans([request(project, 1, HOUR)])
    assert minutes_computed(list(RollupJob(writer_store).steps()), project) == 0
    assert rollups(writer_store, project) == []
    assert minutes_computed(list(RollupJob(writer_store, SETTLED).steps()), project) == 1
    assert {row["grouping"] for row in rollups(writer_store, project)} == {
        "all", "model", "tenant", "variant", "full",
    }  # fmt: skip
    assert minutes_computed(list(RollupJob(writer_store, SETTLED).steps()), project) == 0


def test_a_job_that_settles_later_takes_nothing_back(writer_store: Store, project: str) -> None:
    """Jobs of two machines: what the faster one computed stays computed."""
    other = f"{project}-b"
    Writer(writer_store).write_spans([request(project, 1, HOUR)])
    RollupJob(writer_store, SETTLED).run()
    Writer(writer_store).write_spans([request(other, 1, HOUR)])
    RollupJob(writer_store).run()
    steps = list(RollupJob(writer_store, SETTLED).steps())
    assert (minutes_computed(steps, project), minutes_computed(steps, other)) == (0, 1)


def test_a_group_that_vanished_is_gone(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    writer.write_spans([request(project, 1, HOUR, tenant="old")])
    RollupJob(writer_store, SETTLED).run()
    writer.write_spans([request(project, 1, HOUR, tenant="new", content_hash=99)])
    RollupJob(writer_store, SETTLED).run()
    for period_s in (60, 3600):
        tenants = {
            row["tenant"]
            for row in rollups(writer_store, project, period_s)
            if row["grouping"] in ("tenant", "full")
        }
        assert tenants == {"new"}


def test_rollups_answer_alone_when_all_is_at_rest(writer_store: Store, project: str) -> None:
    """The numbers come from rollups: they stay when the spans go and nobody says so."""
    Writer(writer_store).write_spans([request(project, number, HOUR) for number in range(7)])
    RollupJob(writer_store, SETTLED).run()
    writer_store.command("DELETE FROM spans WHERE project = {project:String}", {"project": project})
    assert requests_of(writer_store, project) == 7


def test_marked_minutes_are_read_from_spans_then_computed(
    writer_store: Store, project: str
) -> None:
    Writer(writer_store).write_spans([request(project, number, HOUR) for number in range(7)])
    RollupJob(writer_store, SETTLED).run()
    writer_store.command(
        "DELETE FROM spans WHERE project = {project:String} AND span_id > {span:String}",
        {"project": project, "span": f"{4:016x}"},
    )
    mark_dirty(writer_store, project, HOUR, HOUR + timedelta(seconds=1))
    assert requests_of(writer_store, project) == 5
    RollupJob(writer_store, SETTLED).run()
    assert requests_of(writer_store, project) == 5
    marks = writer_store.rows("rollup_marks", {"project": project})
    assert marks == []
    assert {row["requests"] for row in rollups(writer_store, project)} == {5}


@pytest.mark.parametrize(
    ("since", "until"),
    [(HOUR, HOUR), (HOUR, HOUR - timedelta(hours=1)), (datetime(2026, 1, 1), HOUR)],
)
def test_a_mark_says_what_is_wrong_with_it(
    writer_store: Store, project: str, since: datetime, until: datetime
) -> None:
    with pytest.raises(ValueError, match=r"since|timezone"):
        mark_dirty(writer_store, project, since, until)


def test_rebuild_computes_a_range_again(writer_store: Store, project: str) -> None:
    moments = [HOUR + timedelta(minutes=minute) for minute in range(5)]
    rows = [request(project, number, moment) for number, moment in enumerate(moments)]
    Writer(writer_store).write_spans(rows)
    job = RollupJob(writer_store, SETTLED)
    job.run()
    before = {row["period_start"]: row["version"] for row in rollups(writer_store, project)}
    steps = list(job.rebuild(project, moments[1], moments[3] + timedelta(seconds=1)))
    assert minutes_computed(steps, project) == 3
    after = {row["period_start"]: row["version"] for row in rollups(writer_store, project)}
    assert [after[moment] > before[moment] for moment in moments] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert requests_of(writer_store, project) == 5


def test_minutes_whose_spans_expire_keep_their_rollups(writer_store: Store, project: str) -> None:
    yesterday = date.today() - timedelta(days=1)
    writer = Writer(writer_store)
    writer.write_spans([request(project, 1, HOUR, expires_on=yesterday)])
    RollupJob(writer_store, SETTLED).run()
    writer.write_spans([request(project, 2, HOUR)])
    job = RollupJob(writer_store, SETTLED)
    job.run()
    list(job.rebuild(project, HOUR, HOUR + timedelta(minutes=1)))
    assert {row["requests"] for row in rollups(writer_store, project)} == {1}


def test_what_is_marked_as_forgotten_is_not_counted(writer_store: Store, project: str) -> None:
    """Before the rows are gone, and without freezing the minute they lay in."""
    writer = Writer(writer_store)
    forgotten = request(project, 2, HOUR, expires_on=date(1990, 1, 1))
    writer.write_spans([request(project, 1, HOUR), forgotten])
    assert requests_of(writer_store, project) == 1
    RollupJob(writer_store, SETTLED).run()
    assert requests_of(writer_store, project) == 1
    writer.write_spans([request(project, 3, HOUR)])
    RollupJob(writer_store, SETTLED).run()
    assert {row["requests"] for row in rollups(writer_store, project)} == {2}


def test_a_crowded_minute_keeps_its_total_only_and_groups_come_from_spans(
    writer_store: Store, project: str
) -> None:
    moments = (HOUR, HOUR + timedelta(minutes=1))
    crowd = [
        request(project, number, moments[0], tenant=f"t{number}")
        for number in range(MAX_GROUPS + 1)
    ]
    few = [request(project, 10_000, moments[1], tenant="t0")]
    Writer(writer_store).write_spans(crowd + few)
    RollupJob(writer_store, SETTLED).run()
    kept = {
        row["grouping"]
        for row in rollups(writer_store, project)
        if row["period_start"] == moments[0]
    }
    assert kept == {"all"}
    by_tenant: Sequence[Dimension] = ("tenant",)
    found = counted_requests(writer_store, selected(project), by_tenant)
    assert len(found) == MAX_GROUPS + 1
    assert (found[0].group.tenant, found[0].sums.requests) == ("t0", 2)
    assert requests_of(writer_store, project) == MAX_GROUPS + 2


def test_minutes_without_end(writer_store: Store, project: str) -> None:
    """More single minutes than one question or statement may name, each with a neighbour at rest."""
    count = 2_400
    moments = [HOUR - timedelta(minutes=2 * number) for number in range(count)]
    rows = [request(project, number, moment) for number, moment in enumerate(moments)]
    since = moments[-1] - timedelta(hours=1)
    wide = Selection(project=project, since=since, until=HOUR + timedelta(hours=1))
    writer = Writer(writer_store)
    writer.write_spans(rows)
    job = RollupJob(writer_store, SETTLED)
    job.run()
    assert counted_requests(writer_store, wide)[0].sums.requests == count
    writer.write_spans([request(project, count + n, row) for n, row in enumerate(moments)])
    assert counted_requests(writer_store, wide)[0].sums.requests == 2 * count
    writer.write_spans(
        [request(project, 2 * count + n, row) for n, row in enumerate(moments[:900])]
    )
    job.run()
    assert {row["requests"] for row in rollups(writer_store, project)} == {2, 3}
    assert counted_requests(writer_store, wide)[0].sums.requests == 2 * count + 900


def test_a_clock_that_was_set_back_hides_nothing(writer_store: Store, project: str) -> None:
    writer = Writer(writer_store)
    writer.write_spans([request(project, 1, HOUR)])
    RollupJob(writer_store, timedelta(hours=-1)).run()  # a cursor from an hour ahead
    writer.write_spans([request(project, 2, HOUR)])
    RollupJob(writer_store, SETTLED).run()
    writer.write_spans([request(project, 3, HOUR)])
    assert requests_of(writer_store, project) == 3
    RollupJob(writer_store, SETTLED).run()
    assert {row["requests"] for row in rollups(writer_store, project)} == {3}


def test_one_runner_a_machine(tmp_path: Path) -> None:
    lock = tmp_path / "home" / "rollups.lock"
    with exclusive_job(lock) as first, exclusive_job(lock) as second:
        assert (first, second) == (True, False)
    with exclusive_job(lock) as again:
        assert again


def test_the_collector_runs_the_job(tmp_path: Path, project: str) -> None:
    """Spans that lay there for an hour are rolled up soon after a collector starts."""
    with running_store(tmp_path) as settings, connect(settings, "writer") as store:
        Writer(store).write_spans([request(project, 1, HOUR)])
        store.command(
            "INSERT INTO spans SELECT * REPLACE (stored_at - INTERVAL 1 HOUR AS stored_at, "
            "version + 1 AS version) FROM spans"
        )
        store.command("DELETE FROM spans WHERE stored_at > now64(6) - INTERVAL 10 MINUTE")
        with (tmp_path / "collector.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tachograph_collector.command", "--port", "0"],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "TACHOGRAPH_HOME": str(tmp_path)},
            )
        try:
            deadline = time.monotonic() + DEADLINE_S
            while not rollups(store, project, 3600):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.terminate()
            assert process.wait(timeout=120) == 0
