"""Killed workers, failing evaluators, another broker: nothing is lost, nothing twice."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.fixtures.brokers import Broker, running_rabbitmq, running_redis

from tachograph_store.client import Store
from tachograph_store.writer import Writer

from .conftest import Row, Stack, answer_span, eventually


def test_kill_9_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    stack: Stack, writer: Writer, project: str, scores: Callable[[str], list[Row]]
) -> None:
    settings = {
        "TACHOGRAPH_EVALUATORS_ENABLED": "slow,length",
        "TACHOGRAPH_EVALUATORS_TIME_LIMIT_S": "5",
        "TEST_SLOW_S": "0.4",
    }
    spans = [answer_span(project, f"answer number {number}") for number in range(100)]
    writer.write_spans(spans)
    with stack.running("beat", **settings):
        with stack.running("worker", **settings) as [worker]:
            eventually(lambda: len(scores(project)) > 0, "a first batch")
            children = psutil.Process(worker.pid).children(recursive=True)
            worker.kill()
            for child in children:
                child.kill()
            psutil.wait_procs(children, timeout=120)
        assert len(scores(project)) < 200
        with stack.running("worker", **settings):
            eventually(lambda: len(scores(project)) >= 200, "the scores that the kill delayed")
    counts = Counter((row.span_id, row.name) for row in scores(project))
    assert counts == {(span.span_id, name): 1 for span in spans for name in ("slow", "length")}


def test_a_dead_scoring_process_is_replaced(
    stack: Stack, writer: Writer, project: str, scores: Callable[[str], list[Row]]
) -> None:
    with stack.running("beat"), stack.running("worker") as [worker]:
        writer.write_spans([answer_span(project, "before")])
        eventually(lambda: len(scores(project)) == 1, "the first score")
        children = psutil.Process(worker.pid).children(recursive=True)
        for child in [child for child in children if "scoring" in child.cmdline()]:
            child.kill()
        writer.write_spans([answer_span(project, "after")])
        eventually(lambda: len(scores(project)) == 2, "the score after the death")


def test_no_part_outlives_a_killed_worker(stack: Stack) -> None:
    with stack.running("worker") as [worker]:
        parent = psutil.Process(worker.pid)
        # light part, scoring part, and the scoring part's pool process
        eventually(lambda: len(parent.children(recursive=True)) >= 3, "the parts to start")
        children = parent.children(recursive=True)
        worker.kill()
        _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []


def test_a_failing_evaluator_is_recorded_and_spoils_nothing(
    stack: Stack,
    writer: Writer,
    reader_store: Store,
    project: str,
    scores: Callable[[str], list[Row]],
) -> None:
    bad = answer_span(project, "boom")
    good = answer_span(project, "all is well")

    def jobs() -> list[dict[str, object]]:
        return reader_store.query(
            "SELECT span_id, state, attempt, error FROM jobs FINAL "
            "WHERE project = {project:String} AND evaluator = 'broken'",
            {"project": project},
        )

    with stack.running("worker", "beat", TACHOGRAPH_EVALUATORS_ENABLED="broken,length"):
        writer.write_spans([bad, good])
        eventually(
            lambda: any(job["state"] == "parked" for job in jobs()), "the lease to be parked"
        )
    found = scores(project)
    counts = Counter((row.span_id, row.name) for row in found)
    names = ("length", "broken_one", "broken_two")
    assert counts == {(span.span_id, name): 1 for span in (bad, good) for name in names}
    for row in found:
        failed = row.span_id == bad.span_id and row.evaluator == "broken"
        assert (row.label == "error", row.error_type == "RuntimeError") == (failed, failed)
        assert (row.value is None, row.explanation == "boom was said") == (failed, failed)
    parked = {job["span_id"]: job for job in jobs()}[bad.span_id]
    assert (parked["attempt"], parked["error"]) == (3, "RuntimeError: boom was said")


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A real broker on a free port."""
    running = {"redis": running_redis, "rabbitmq": running_rabbitmq}[request.param]
    with running(tmp_path) as process:
        yield process


@pytest.mark.timeout(1200)  # RabbitMQ starts twice: 5 s each on an idle machine, 40 s on a busy one
def test_the_same_over_a_broker_that_is_killed(
    stack: Stack,
    writer: Writer,
    project: str,
    scores: Callable[[str], list[Row]],
    broker: Broker,
) -> None:
    settings = {
        "TACHOGRAPH_EVALUATORS_BROKER_URL": broker.url,
        "TACHOGRAPH_EVALUATORS_START_LIMIT_S": "10",
        "TACHOGRAPH_EVALUATORS_TIME_LIMIT_S": "100",  # no worker dies here: no slow machine may
    }
    spans = [answer_span(project, f"answer number {number}") for number in range(40)]
    with stack.running("worker", "beat", **settings):
        writer.write_spans(spans[:20])
        eventually(lambda: len(scores(project)) >= 1, "the first scores", 500.0)
        broker.kill()
        broker.start()
        writer.write_spans(spans[20:])
        eventually(lambda: len(scores(project)) >= 40, "all scores", 500.0)
        ping = [sys.executable, "-m", "tachograph_cli", "worker", "--ping", "--timeout", "50"]
        environment = {**stack.environment, **settings}
        assert subprocess.run(ping, env=environment, check=False, timeout=200).returncode == 0
    assert Counter(row.span_id for row in scores(project)) == {span.span_id: 1 for span in spans}
    assert not list((Path(stack.environment["TACHOGRAPH_HOME"])).glob("broker/*.msg"))


def test_ping_without_a_worker_fails(stack: Stack) -> None:
    pong = stack.command("worker", "--ping", "--timeout", "0.5")
    assert (pong.returncode, "no worker answered" in pong.stdout) == (1, True)
