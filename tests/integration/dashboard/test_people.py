"""The quality page on people and evaluators: agreement, corrected rates, the backlog."""

import random
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.fixtures.bare_rows import lease_of, score_of
from tests.fixtures.seed import busy_day
from tests.integration.dashboard.conftest import OpenPage, shown

from tachograph_store.client import Store
from tachograph_store.queries.feedback import feedback_judged, feedback_next
from tachograph_store.queries.selection import Selection
from tachograph_store.rows import JobRow, ScoreRow, SpanRow
from tachograph_store.writer import Writer

NEVER = date(2099, 1, 1)


def _score(
    span: SpanRow, name: str, value: float, source: str, weight: float = 1.0, author: str = ""
) -> ScoreRow:
    return score_of(
        span,
        evaluator="grounding" if source == "evaluator" else source,
        evaluator_version="3" if source == "evaluator" else "",
        name=name,
        author=author,
        source=source,
        value=value,
        label="pass" if value >= 0.5 else "fail",
        sample_weight=weight,
        created_at=datetime.now(UTC),
    )


def _answers(project: str, writer: Writer, count: int) -> list[SpanRow]:
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=count)
    writer.write_spans(seed.spans)
    return [span for span in seed.spans if span.is_counted]


def test_labels_meet_scores_and_correct_them(
    project: str, writer: Writer, reader_store: Store, open_page: OpenPage
) -> None:
    rng = random.Random(3)
    spans = _answers(project, writer, 80)
    rows = []
    for number, span in enumerate(spans):
        is_good = rng.random() < 0.7
        score = min(1.0, max(0.0, rng.gauss(0.7 if is_good else 0.3, 0.15)))
        rows.append(_score(span, "grounding", score, "evaluator", weight=2.0))
        if number < 40:
            # the caller's own span of the request is the one that people label
            rows.append(_score(span, "thumbs", float(is_good), "human", weight=1.5, author="ada"))
    writer.write("scores", rows)
    now = datetime.now(UTC)
    selection = Selection(
        project=project, since=now - timedelta(days=2), until=now + timedelta(minutes=1)
    )
    [judged] = feedback_judged(reader_store, selection)
    assert (judged.evaluator, judged.version, judged.name) == ("grounding", "3", "grounding")
    assert (judged.labels, judged.drawn, judged.is_drawn) == (40, 40, True)
    assert judged.rate is not None and judged.rate.answers == len(spans)
    assert judged.rate.corrected.low < judged.rate.corrected.estimate < judged.rate.corrected.high
    assert judged.agreement.kappa is not None and judged.agreement.kappa.estimate > 0.5

    unlabelled = {span.span_id for span in spans[40:]}
    drawn = feedback_next(reader_store, selection, "grounding", "3", "grounding", 15)
    assert 4 <= len(drawn) <= 30
    assert {one.span_id for one in drawn} <= unlabelled
    assert all(one.label_weight > 1 for one in drawn)

    text = shown(open_page("quality", range="7 d"))
    assert "grounding (thumbs)" in text
    assert f"{100 * judged.rate.corrected.estimate:.1f} %" in text
    assert "drawn" in text


def test_a_label_on_the_callers_span_is_compared_with_the_proxys_score(
    project: str, writer: Writer, reader_store: Store
) -> None:
    proxy = next(span for span in _answers(project, writer, 8) if span.observer == "proxy")
    proxy = replace(proxy, parent_span_id="c" * 16, content_hash=proxy.content_hash + 1)
    caller = replace(
        proxy, span_id="c" * 16, parent_span_id="", observer="client", is_counted=False
    )
    writer.write_spans([proxy, caller])
    writer.write(
        "scores",
        [
            _score(proxy, "grounding", 0.9, "evaluator"),
            _score(caller, "thumbs", 1.0, "api"),  # as the SDK sends it
            _score(caller, "other", 1.0, "api"),  # an evaluator of somebody's own: no person
        ],
    )
    now = datetime.now(UTC)
    selection = Selection(
        project=project, since=now - timedelta(days=2), until=now + timedelta(minutes=1)
    )
    [judged] = feedback_judged(reader_store, selection)
    assert (judged.labels, judged.drawn, judged.rate) == (1, 0, None)
    assert judged.agreement.confusion.both_good == 1


def test_the_backlog_says_what_waits_what_was_left_out_and_what_was_given_up(
    project: str, writer: Writer, open_page: OpenPage
) -> None:
    span = _answers(project, writer, 2)[0]
    now = datetime.now(UTC)
    sampling = JobRow(
        project=project,
        kind="cursor",
        evaluator="sampling",
        state="done",
        due_at=now,
        cursor=f'{{"factor": 0.25, "drain_s": 1200, "at": {time.time()}}}',
        created_at=datetime(1970, 1, 1, tzinfo=UTC),
        expires_on=date(2149, 1, 1),
    )
    writer.write(
        "jobs",
        [
            lease_of(span, "one", "leased"),
            lease_of(span, "two", "parked", "RuntimeError: <b>boom</b>"),
            lease_of(span, "three", "skipped", 'left out by rule "rest", behind'),
            sampling,
        ],
    )
    page = open_page("quality")
    text = shown(page)
    assert "at the moment 25.0 % of what the rules want is judged" in page.warning[0].value
    numbers = {metric.label: str(metric.value) for metric in page.metric}
    assert (numbers["Waiting"], numbers["Left out"], numbers["Given up"]) == ("1", "1", "1")
    assert "RuntimeError: <b>boom</b>" in text  # as text, not as markup
    assert 'left out by rule "rest", behind' in text
    assert "0 of 2 answers of the last 24 hours are judged by the newest versions" in text


def test_answers_that_sampling_left_out_are_not_waited_for(
    project: str, writer: Writer, open_page: OpenPage
) -> None:
    spans = [span for span in _answers(project, writer, 12) if span.status_code != "ERROR"]
    writer.write("jobs", [lease_of(span, "one", "skipped") for span in spans])
    assert f"All {len(spans)} answers were left out" in shown(open_page("quality", range="7 d"))
    writer.write("scores", [_score(span, "grounding", 0.9, "evaluator") for span in spans[:2]])
    writer.write("jobs", [lease_of(spans[2], "two", "leased")])
    left_out = len(spans) - 3
    text = shown(open_page("overview", range="7 d"))
    assert f"1 of {len(spans)} answers not yet scored · {left_out} left out by sampling" in text
    text = shown(open_page("quality", range="7 d"))
    assert f"1 of {len(spans)} not yet, {left_out} left out" in text


def test_versions_of_an_evaluator_have_lines_of_their_own(
    project: str, writer: Writer, open_page: OpenPage
) -> None:
    spans = _answers(project, writer, 8)
    old = [_score(span, "grounding", 0.2, "evaluator") for span in spans]
    new = [replace(score, evaluator_version="4", value=0.9) for score in old]
    writer.write("scores", [*old, *new])
    page = open_page("quality", range="7 d")
    [table] = [frame.value for frame in page.dataframe if "coverage" in frame.value.columns]
    means = {row["version"]: row["mean"] for _, row in table.iterrows()}
    assert means == pytest.approx({"3": 0.2, "4": 0.9})
