"""The planner against the real store: what it leases, sends again, parks and finds missing."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tachograph_evaluators.hints import Hint
from tachograph_store.client import Store
from tachograph_store.writer import Writer

from .bench import Bench
from .conftest import Row, answer_span, eventually


@pytest.fixture
def bench(reader_store: Store, writer: Writer, project: str) -> Bench:
    """A bench with the usual settings."""
    return Bench(reader_store, writer, project)


def test_each_answer_is_leased_once_however_often_it_is_read(bench: Bench, project: str) -> None:
    spans = [answer_span(project, "text") for _ in range(10)]
    bench.writer.write_spans(spans)
    assert sorted(bench.settle(bench.planner.plan, 10)) == sorted(s.span_id for s in spans)
    assert [len(hint.keys) for hint in bench.taken] == [4, 4, 2]
    bench.planner.plan()
    bench.sweep()
    assert bench.sent == []


@pytest.mark.lesson(4)
def test_the_queue_is_never_filled_beyond_its_room(
    reader_store: Store, writer: Writer, project: str
) -> None:
    bench = Bench(reader_store, writer, project, max_queued_batches=2, batch_answers=4)
    spans = [answer_span(project, "text") for _ in range(20)]
    writer.write_spans(spans)
    planned: list[str] = []
    while len(planned) < 20:
        ids = bench.settle(bench.planner.plan, 4)
        assert len(ids) <= 8
        planned += ids
    assert sorted(planned) == sorted(span.span_id for span in spans)


def test_a_dead_workers_answers_come_alone_and_are_parked_at_last(
    bench: Bench, project: str, reader_store: Store
) -> None:
    bench.writer.write_spans([answer_span(project, "text") for _ in range(3)])
    bench.settle(bench.planner.plan, 3)
    for attempt in (1, 2):
        bench.lapse(attempt)
        bench.settle(bench.sweep, 3)
        assert [(len(h.keys), h.attempt) for h in bench.taken] == [(1, attempt + 1)] * 3
    bench.lapse(3)
    bench.sweep()
    assert bench.sent == []
    jobs = reader_store.query(
        "SELECT state, attempt, error FROM jobs FINAL "
        "WHERE project = {project:String} AND kind = 'evaluation'",
        {"project": project},
    )
    reason = "its worker died or took over 300 s"
    assert jobs == [{"state": "parked", "attempt": 3, "error": reason}] * 3


def test_a_hint_sent_twice_scores_once(
    bench: Bench, project: str, scores: Callable[[str], list[Row]]
) -> None:
    bench.writer.write_spans([answer_span(project, "text") for _ in range(3)])
    bench.settle(bench.planner.plan, 3)
    [hint] = bench.taken
    assert (bench.scorer.score(hint), bench.scorer.score(hint)) == (3, 0)
    assert len(scores(project)) == 3


def test_a_hint_that_waited_too_long_is_left_to_the_sweep(
    reader_store: Store, writer: Writer, project: str
) -> None:
    bench = Bench(reader_store, writer, project, start_limit_s=0.01)
    writer.write_spans([answer_span(project, "text")])
    bench.settle(bench.planner.plan, 1)
    eventually(lambda: bench.taken[0].is_late, "the hint to be late")
    assert bench.scorer.score(bench.taken[0]) == 0
    bench.settle(bench.sweep, 1)
    assert bench.taken[0].attempt == 1  # nobody had begun


def test_the_anti_join_finds_what_no_lease_knows(
    reader_store: Store, writer: Writer, project: str, scores: Callable[[str], list[Row]]
) -> None:
    """A span whose row became visible behind the cursor and its overlap."""
    bench = Bench(
        reader_store,
        writer,
        project,
        overlap_s=0,
        start_limit_s=0.1,
        time_limit_s=0.1,
        anti_join_interval_s=0.1,
    )
    spans = [answer_span(project, "text") for _ in range(3)]
    writer.write_spans(spans)
    missed = bench.settle(bench.sweep, 3)
    assert sorted(missed) == sorted(span.span_id for span in spans)
    hint = bench.taken[0]
    written = bench.scorer.score(Hint(**{**_fields(hint), "start_by": time.time() + 60}))
    assert written == len(scores(project)) == 3
    bench.sweep()
    assert bench.sent == []


@pytest.mark.lesson(5)
def test_a_span_that_is_gone_is_parked_and_its_neighbour_scored(
    bench: Bench, project: str, scores: Callable[[str], list[Row]], reader_store: Store
) -> None:
    span = answer_span(project, "text")
    bench.writer.write_spans([span])
    bench.settle(bench.planner.plan, 1)
    [hint] = bench.taken
    gone = type(hint.keys[0])(trace_id="0" * 32, span_id="0" * 16, start_us=hint.keys[0].start_us)
    assert bench.scorer.score(Hint(**{**_fields(hint), "keys": [*hint.keys, gone]})) == 1
    assert [row.span_id for row in scores(project)] == [span.span_id]
    [parked] = reader_store.query(
        "SELECT span_id, error FROM jobs FINAL "
        "WHERE project = {project:String} AND state = 'parked'",
        {"project": project},
    )
    assert parked == {"span_id": "0" * 16, "error": "the span is no longer stored"}


def _fields(hint: Hint) -> dict[str, Any]:
    return {
        "project": hint.project,
        "keys": hint.keys,
        "wanted": hint.wanted,
        "attempt": hint.attempt,
        "start_by": hint.start_by,
    }
