"""Answers whose text came in events, as log records, and never on their span."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tachograph_evaluators.answers import load
from tachograph_store.client import Store
from tachograph_store.message_events import DETAILS
from tachograph_store.queries.backfill import backfill_answers, backfill_progress
from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

from .bench import Bench
from .conftest import Row, answer_span, chat

BEGAN_NS = time.time_ns() - 60 * 10**9


@pytest.fixture
def bench(reader_store: Store, writer: Writer, project: str) -> Bench:
    """A bench with the usual settings."""
    return Bench(reader_store, writer, project)


def key_of(span: SpanRow) -> AnswerKey:
    """Its place, as planned."""
    return AnswerKey(trace_id=span.trace_id, span_id=span.span_id, start_us=span.start_time // 1000)


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
    named = {"spoken": spoken, "whole": whole, "plain": plain}
    keys = {name: key_of(span) for name, span in named.items()}
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


def told_answer(project: str, question: str, answer: str, *instructions: str) -> list[SpanRow]:
    """A silent span, and an event a message."""
    span = silent(project, start_time=BEGAN_NS)
    said = [chat("system", text) for text in instructions] + [chat("user", question)]
    prompts = [
        event(span, "gen_ai.user.message", 1 + number, prompt=prompt)
        for number, prompt in enumerate(said)
    ]
    return [span, *prompts, event(span, "gen_ai.choice", 9, completion=chat("assistant", answer))]


def test_other_answers_to_the_prompt_are_samples_wherever_their_text_is(
    reader_store: Store, writer: Writer, project: str
) -> None:
    asked, one, other = (
        told_answer(project, "How tall?", answer) for answer in ("41 m", "42 m", "43 m")
    )
    whole = [silent(project, start_time=BEGAN_NS)]
    whole.append(
        event(whole[0], DETAILS, 2, prompt=chat("user", "How tall?"), completion="a whole one")
    )
    own = answer_span(project, "44 m", prompt=chat("user", "How tall?"), start_time=BEGAN_NS)
    briefed, briefed_again = (
        told_answer(project, "How tall?", answer, "Be brief.") for answer in ("41.", "42.")
    )
    told_off = told_answer(project, "How tall?", "No.", "Be rude.")
    another = told_answer(project, "How old?", "5")
    elsewhere = told_answer(f"{project}-other", "How tall?", "6")
    cold = told_answer(project, "How tall?", "7")
    cold[0] = replace(cold[0], attributes={"gen_ai.request.temperature": "0"})
    told = (asked, one, other, whole, briefed, briefed_again, told_off, another, elsewhere, cold)
    writer.write_spans([own, *(row for rows in told for row in rows)])

    def samples_of(span: SpanRow, most: int = 9) -> set[str]:
        [found] = load(reader_store, project, [key_of(span)], most).values()
        return set(found.answer.samples)

    told_others = {"42 m", "43 m", "a whole one"}
    assert samples_of(asked[0]) == {*told_others, "44 m"}
    assert samples_of(own) == {"41 m", *told_others}
    # Of several messages all must be the same, not the last one alone.
    assert samples_of(briefed[0]) == {"42."}
    assert samples_of(told_off[0]) == set()
    assert len(samples_of(asked[0], most=2)) == 2


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
