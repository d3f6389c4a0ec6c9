"""Answers whose text came in events, as log records, and never on their span."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tachograph_evaluators.answers import load
from tachograph_store.client import Store
from tachograph_store.queries.backfill import backfill_answers, backfill_progress
from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.queries.told import DETAILS
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

from .bench import Bench
from .conftest import Row, answer_span, chat


@pytest.fixture
def bench(reader_store: Store, writer: Writer, project: str) -> Bench:
    """A bench with the usual settings."""
    return Bench(reader_store, writer, project)


def silent(project: str, **fields: Any) -> SpanRow:
    """A client's span without content."""
    known: dict[str, Any] = {"observer": "client", "prompt": None, "completion": None}
    return answer_span(project, "", **(known | fields))


def event(span: SpanRow, name: str, later_ns: int, **content: str) -> SpanRow:
    """A log record as the collector keeps it."""
    return SpanRow(
        project=span.project,
        trace_id=span.trace_id,
        span_id=uuid.uuid4().hex[:16],
        parent_span_id=span.span_id,
        start_time=span.start_time + later_ns,
        duration_ns=0,
        name=name,
        content_hash=uuid.uuid4().int % 2**63,
        expires_on=span.expires_on,
        content_expires_on=span.content_expires_on,
        **content,  # type: ignore[arg-type]
    )


def conversation(span: SpanRow) -> list[SpanRow]:
    """An event a message, the last one first."""
    return [
        event(span, "gen_ai.choice", 9, completion=chat("assistant", "Thirty days.")),
        event(span, "gen_ai.user.message", 2, prompt=chat("user", "How long?")),
        event(span, "gen_ai.system.message", 1, prompt=chat("system", "Be brief.")),
    ]


@pytest.mark.parametrize("events_first", [False, True])
def test_it_is_judged_whatever_comes_first(
    bench: Bench, project: str, scores: Callable[[str], list[Row]], events_first: bool
) -> None:
    span, other = silent(project), silent(project)
    parts = [[span], conversation(span)]
    first, second = reversed(parts) if events_first else parts
    bench.writer.write_spans([*first, other])
    bench.planner.plan()
    assert bench.sent == []
    bench.writer.write_spans(second)
    assert bench.settle(bench.planner.plan, 1) == [span.span_id]
    (hint,) = bench.taken
    assert bench.scorer.score(hint) == 1
    assert [score.span_id for score in scores(project)] == [span.span_id]
    bench.planner.plan()
    bench.sweep()
    assert bench.sent == []


def test_the_messages_are_put_together(reader_store: Store, writer: Writer, project: str) -> None:
    spoken, whole, plain = silent(project), silent(project), answer_span(project, "Its own.")
    writer.write_spans(
        [
            *(spoken, whole, plain),
            *conversation(spoken),
            event(whole, "gen_ai.choice", 1, completion=chat("assistant", "one")),
            event(whole, DETAILS, 2, completion="all of it", prompt="the question"),
            event(plain, DETAILS, 2, completion="another"),
        ]
    )
    keys = {
        name: AnswerKey(
            trace_id=span.trace_id, span_id=span.span_id, start_us=span.start_time // 1000
        )
        for name, span in (("spoken", spoken), ("whole", whole), ("plain", plain))
    }
    found = load(reader_store, project, list(keys.values()), samples=3)
    answer = {name: found[key].answer for name, key in keys.items()}
    assert (answer["spoken"].prompt, answer["spoken"].response) == ("How long?", "Thirty days.")
    assert answer["spoken"].conversation == "Be brief.\nHow long?"
    assert (answer["whole"].prompt, answer["whole"].response) == ("the question", "all of it")
    assert answer["plain"].response == "Its own."


def test_only_counted_answers_are_judged_and_each_once(bench: Bench, project: str) -> None:
    """The proxy has the answer of a client's span already; what failed or does not count is none."""
    client = silent(project)
    proxy = answer_span(project, "yes", trace_id=client.trace_id, parent_span_id=client.span_id)
    failed, agent = silent(project, status_code="ERROR"), silent(project, is_counted=False)
    own = answer_span(project, "on its span")
    spans = [client, proxy, failed, agent, own]
    told = [row for span in (client, failed, agent, own) for row in conversation(span)]
    asked = event(silent(project), "gen_ai.user.message", 1, prompt=json.dumps([]))
    bench.writer.write_spans([*spans, *told, asked])
    assert sorted(bench.settle(bench.planner.plan, 2)) == sorted([proxy.span_id, own.span_id])
    bench.planner.plan()
    assert bench.sent == []


def test_the_hourly_comparison_finds_them(
    reader_store: Store, writer: Writer, project: str
) -> None:
    """Behind the cursor and its overlap."""
    bench = Bench(
        reader_store, writer, project, overlap_s=0, start_limit_s=0.1, time_limit_s=0.1,
        anti_join_interval_s=0.1,
    )  # fmt: skip
    span = silent(project)
    writer.write_spans([span, *conversation(span)])
    assert bench.settle(bench.sweep, 1) == [span.span_id]


def test_a_backfill_judges_them(bench: Bench, project: str, reader_store: Store) -> None:
    long_ago = 86_400 * 10**9
    span = silent(project, start_time=time.time_ns() - 2 * long_ago)
    own = answer_span(project, "its own", start_time=span.start_time + 1)
    bare = silent(project, start_time=span.start_time + 2)
    bench.writer.write_spans([span, own, bare, *conversation(span)])
    since_ns, until_ns = span.start_time - 10**9, span.start_time + 10**9
    wanted = ["fixed@1"]
    found = backfill_answers(reader_store, project, since_ns, until_ns, wanted, 10)
    assert [one.span_id for one in found] == [span.span_id, own.span_id]
    progress = backfill_progress(reader_store, project, since_ns, until_ns, wanted)
    assert (progress.answers, progress.settled) == (2, 0)
