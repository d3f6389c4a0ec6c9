"""Rules, sampling and backfills against the real store: who is judged, and with which weight."""

import argparse
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tachograph_evaluators.backfill import Backfill, new_backfill
from tachograph_evaluators.commands import backfill as backfill_command
from tachograph_evaluators.commands import evaluation as evaluation_command
from tachograph_evaluators.leases import PARKED, Wanted, lease, moment
from tachograph_evaluators.rules.rule import Behind, Filter, Rule, RuleBook
from tachograph_store.client import Store
from tachograph_store.queries.backfill import (
    Progress,
    backfill_list,
    backfill_progress,
    judged_of_day,
)
from tachograph_store.queries.backlog import evaluation_backlog
from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.writer import Writer

from .bench import Bench
from .conftest import answer_span

Weights = Callable[[str], dict[str, float]]


@pytest.fixture
def bench(reader_store: Store, writer: Writer, project: str) -> Bench:
    """A bench whose queue is large."""
    return Bench(reader_store, writer, project, max_queued_batches=1000, batch_answers=64)


@pytest.fixture
def weights(reader_store: Store) -> Weights:
    """Span ids of a project's scores, with their weights."""

    def read(project: str) -> dict[str, float]:
        rows = reader_store.query(
            "SELECT span_id, sample_weight FROM scores WHERE project = {project:String}",
            {"project": project},
        )
        return {row["span_id"]: row["sample_weight"] for row in rows}

    return read


def _score_all(bench: Bench) -> None:
    for hint in bench.taken:
        bench.scorer.score(hint)


def test_a_sample_carries_its_weights_and_is_never_drawn_again(
    bench: Bench, project: str, reader_store: Store, weights: Weights
) -> None:
    acme = [answer_span(project, "text", tenant="acme") for _ in range(30)]
    others = [answer_span(project, "text", tenant="globex") for _ in range(200)]
    unwanted = [answer_span(project, "text", tenant=None) for _ in range(5)]
    bench.book = RuleBook(
        rules=(
            Rule(name="paying", filter=Filter(tenants=("ac*",)), priority=9),
            Rule(name="rest", filter=Filter(tenants=("*",)), sample_rate=0.25),
        )
    )
    bench.writer.write_spans([*others, *acme, *unwanted])
    bench.settle(bench.planner.plan, 31)
    _score_all(bench)
    assert bench.taken[0].keys[0].span_id in {span.span_id for span in acme}  # priority 9 first
    found = weights(project)
    assert {found.pop(span.span_id) for span in acme} == {1.0}
    assert set(found) <= {span.span_id for span in others}
    assert set(found.values()) == {4.0}
    assert 25 <= len(found) <= 80  # 50 expected, four standard deviations either side
    bench.book = RuleBook()  # now everything is wanted: what was decided stays decided
    bench.planner.plan()
    bench.sweep()
    assert bench.sent == []
    reasons = {left.reason: left for left in evaluation_backlog(reader_store, project).skipped}
    assert reasons['left out by rule "rest"'].evaluations == 200 - len(found)
    assert reasons["no rule of the evaluation file wants it"].evaluations == 5


def test_when_behind_fewer_are_taken_and_weigh_more(
    bench: Bench, project: str, reader_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bench.book = RuleBook(behind=Behind(after_s=10, least_rate=0.05))
    bench.writer.write_spans([answer_span(project, "text") for _ in range(400)])
    bench.dispatch.throughput.sent(1, 4)
    bench.dispatch.throughput.look(1, 0.0)
    bench.dispatch.throughput.sent(1, 4)
    bench.dispatch.throughput.look(1, 1.0)  # 4 answers in a second: 400 take 100 s
    deadline = time.monotonic() + 180
    while not bench.sent:
        assert time.monotonic() < deadline
        bench.planner.plan()
        time.sleep(0.05)
    [rate] = {one.sample_rate for hint in bench.sent for one in hint.wanted}
    assert rate == pytest.approx(0.1, rel=0.01)
    assert 15 <= bench.count() <= 75  # 40 expected
    assert "judging 10.0 % of what the rules want" in caplog.text
    backlog = evaluation_backlog(reader_store, project)
    assert backlog.sampling_factor == pytest.approx(0.1, rel=0.01)
    [left] = backlog.skipped
    assert left.reason == 'left out by rule "everything", behind'
    assert left.evaluations == 400 - bench.count()


def test_a_backfill_judges_a_past_range_and_goes_on_where_it_was(
    bench: Bench, project: str, reader_store: Store, writer: Writer, weights: Weights
) -> None:
    old_ns = time.time_ns() - 40 * 86_400 * 10**9
    inside = [
        answer_span(project, "text", start_time=old_ns + number * 10**9) for number in range(10)
    ]
    after = answer_span(project, "text", start_time=old_ns + 100 * 10**9)
    bench.book = RuleBook(rules=(Rule(name="none", sample_rate=0.0),))
    writer.write_spans([*inside, after])
    deadline = time.monotonic() + 180
    while not evaluation_backlog(reader_store, project).skipped:  # nobody wants them
        assert time.monotonic() < deadline
        bench.planner.plan()
    begun = new_backfill(project, old_ns, old_ns + 50 * 10**9, ["fixed@1"], 1.0)
    writer.write("jobs", [begun.row()])
    small = {"max_queued_batches": 2, "batch_answers": 4}
    bench.dispatch.settings = bench.settings.model_copy(update=small)
    bench.settings = bench.dispatch.settings
    sent: list[str] = []
    while backfill_list(reader_store, project)[0].state == "running":
        bench.backfiller.run()  # a batch of four at a time: half the queue stays free
        bench.taken = list(bench.sent)
        sent += [key.span_id for hint in bench.sent for key in hint.keys]
        assert len(bench.sent) <= 1
        bench.sent.clear()
        _score_all(bench)
    assert sorted(sent) == sorted(span.span_id for span in inside)
    assert weights(project) == {span.span_id: 1.0 for span in inside}
    progress = backfill_progress(reader_store, project, begun.since_ns, begun.until_ns, ["fixed@1"])
    assert (progress.answers, progress.settled) == (10, 10)
    [row] = backfill_list(reader_store, project)
    assert (row.state, Backfill.parse(row).position_ns) == ("done", begun.until_ns)


def test_a_new_version_leaves_the_old_scores_where_they_are(
    bench: Bench, project: str, reader_store: Store, writer: Writer
) -> None:
    spans = [answer_span(project, "text") for _ in range(3)]
    writer.write_spans(spans)
    bench.settle(bench.planner.plan, 3)
    _score_all(bench)
    until_ns = time.time_ns()
    begun = new_backfill(project, until_ns - 3600 * 10**9, until_ns, ["fixed@2"], 1.0)
    writer.write("jobs", [begun.row()])
    bench.settle(bench.backfiller.run, 3)
    newer = type("Newer", (type(bench.scorer._evaluators["fixed@1"]),), {"version": "2"})
    bench.scorer._evaluators = {"fixed@2": newer()}
    _score_all(bench)
    rows = reader_store.query(
        "SELECT evaluator_version AS version, count() AS scores FROM scores "
        "WHERE project = {project:String} GROUP BY version ORDER BY version",
        {"project": project},
    )
    assert rows == [{"version": "1", "scores": 3}, {"version": "2", "scores": 3}]


def test_what_an_upgrade_judges_anew_is_seen(
    bench: Bench,
    project: str,
    reader_store: Store,
    writer: Writer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", reader_store.settings.url)
    assert judged_of_day(reader_store, project) is None
    writer.write_spans([answer_span(project, "text") for _ in range(3)])
    bench.settle(bench.planner.plan, 3)
    _score_all(bench)
    assert judged_of_day(reader_store, project) == Progress(answers=3, settled=3)
    begun = new_backfill(project, time.time_ns() - 3600 * 10**9, time.time_ns(), ["fixed@2"], 1.0)
    writer.write("jobs", [begun.row()])
    bench.taken.clear()
    bench.settle(bench.backfiller.run, 3)
    assert judged_of_day(reader_store, project) == Progress(answers=3, settled=0)
    writer.write("jobs", [replace(begun, backfill_id="20991231T000000-b").row()])
    assert _command(evaluation_command, "status", "--project", project) == 0
    printed = capsys.readouterr().out
    assert "judged, last 24 h   [------------------------] 0 of 3 answers" in printed
    assert "backfill 20991231T000000-b [" in printed

    def work() -> None:
        newer = type("Newer", (type(bench.scorer._evaluators["fixed@1"]),), {"version": "2"})
        bench.scorer._evaluators = {"fixed@2": newer()}
        _score_all(bench)

    worker = threading.Thread(target=work)
    worker.start()
    assert _command(evaluation_command, "status", "--project", project, "--watch") == 0
    worker.join()
    assert "[########################] 3 of 3 answers" in capsys.readouterr().err


def test_what_was_given_up_is_listed_and_tried_again(
    bench: Bench,
    project: str,
    writer: Writer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    reader_store: Store,
) -> None:
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", reader_store.settings.url)
    span = answer_span(project, "text")
    key = AnswerKey(trace_id=span.trace_id, span_id=span.span_id, start_us=span.start_time // 1000)
    parked = lease(
        project,
        key,
        Wanted("fixed@1", 0.5),
        state=PARKED,
        attempt=3,
        due_at=moment(time.time_ns() // 1000),
        error="RuntimeError: \x1b[2J",
    )
    writer.write("jobs", [parked])
    assert _command(evaluation_command, "parked", "--project", project, "--retry") == 0
    printed = capsys.readouterr().out
    assert span.span_id in printed and "RuntimeError" in printed and "\x1b" not in printed
    bench.settle(bench.sweep, 1)
    assert bench.taken[0].wanted == (Wanted("fixed@1", 0.5),)  # its weight is not forgotten
    assert _command(evaluation_command, "status", "--project", project) == 0
    assert "open evaluations    1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--since", "tomorrow"], "'tomorrow' is no time"),
        (["--since", "1h", "--until", "2h"], "is not before --until"),
        (["--since", "1h", "--rate", "0"], "--rate 0"),
        (["--since", "1h", "--evaluators", "nobody"], "names 'nobody'"),
        ([], "--since is missing"),
    ],
)
def test_backfill_says_what_is_wrong(
    arguments: list[str],
    wrong: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    reader_store: Store,
) -> None:
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", reader_store.settings.url)
    assert _command(backfill_command, *arguments) == 2
    assert wrong in capsys.readouterr().err


def test_backfill_shows_how_far_it_is_and_ends_when_all_is_judged(
    bench: Bench,
    project: str,
    reader_store: Store,
    writer: Writer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", reader_store.settings.url)
    start_ns = time.time_ns() - 50 * 86_400 * 10**9
    writer.write_spans(
        [answer_span(project, "text", start_time=start_ns + n * 10**9) for n in range(4)]
    )
    begun = new_backfill(project, start_ns, start_ns + 100 * 10**9, ["fixed@1"], 1.0)
    dropped = new_backfill(project, start_ns, start_ns + 100 * 10**9, ["fixed@9"], 1.0)
    writer.write("jobs", [begun.row(), dropped.row()])
    cancel = ("--cancel", dropped.backfill_id, "--project", project)
    assert [_command(backfill_command, *cancel) for _ in range(2)] == [0, 2]

    def work() -> None:
        bench.settle(bench.backfiller.run, 4)
        _score_all(bench)

    worker = threading.Thread(target=work)
    worker.start()
    assert backfill_command._wait(reader_store, begun) == 0
    worker.join()
    assert "4 of 4 answers" in capsys.readouterr().err
    assert _command(backfill_command, "--list", "--project", project) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "done       4 of 4 answers  fixed@1" in lines[begun.backfill_id]
    assert "cancelled  0 of 4 answers  fixed@9" in lines[dropped.backfill_id]


def test_check_says_what_is_in_force_or_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evaluation.toml"
    path.write_text('[[rule]]\nname = "tenth"\nsample_rate = 0.1\n')
    assert _command(evaluation_command, "check", "--rules", str(path)) == 0
    assert "tenth: all evaluators, 0.1 of the answers, priority 5" in capsys.readouterr().out
    path.write_text('[[rule]]\nname = "tenth"\nsample_rate = 10\n')
    assert _command(evaluation_command, "check", "--rules", str(path)) == 1
    assert "sample_rate: is 10; write a number from 0 to 1" in capsys.readouterr().err
    assert _command(evaluation_command, "check", "--rules", str(tmp_path / "none")) == 1


def _command(module: Any, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(arguments)))
