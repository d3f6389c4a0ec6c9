"""Answers without context are held against others to the same prompt, found in the store."""

import json
import time
from collections.abc import Mapping

from tachograph_evaluators.answers import load
from tachograph_evaluators.evaluator import Compares
from tachograph_evaluators.hints import Hint
from tachograph_evaluators.judges.hallucination import Hallucination
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.leases import Wanted
from tachograph_evaluators.scoring import Scorer
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

from .conftest import answer_span, chat

TALL = chat("user", "How tall is the Amber Lighthouse?")
HOUR_NS = 3600 * 10**9


def key_of(span: SpanRow) -> AnswerKey:
    return AnswerKey(trace_id=span.trace_id, span_id=span.span_id, start_us=span.start_time // 1000)


def ago(project: str, response: str, hours: float, **fields: object) -> SpanRow:
    start_ns = time.time_ns() - int(hours * HOUR_NS)
    return answer_span(project, response, **{"prompt": TALL, "start_time": start_ns} | fields)


def samples(store: Store, project: str, spans: list[SpanRow], most: int) -> Mapping[str, list[str]]:
    found = load(store, project, [key_of(span) for span in spans], most)
    return {key.span_id: list(one.answer.samples) for key, one in found.items()}


def test_only_free_answers_of_the_model_to_the_prompt_are_samples(
    reader_store: Store, writer: Writer, project: str
) -> None:
    asked = ago(project, "It is 41 metres tall.", 0)
    grounded = ago(
        project, "41 metres.", 0, context="It stands 41 metres tall.", prompt=chat("user", "x")
    )
    greedy = {"gen_ai.request.temperature": "0"}
    warm = {"gen_ai.request.temperature": "0.7"}
    writer.write_spans(
        [
            asked,
            grounded,
            ago(project, "a minute ago", 1 / 60, attributes=warm),
            ago(project, "two hours ago", 2),
            ago(project, "yesterday morning", 23),
            ago(project, "long ago", 30),
            ago(project, "greedy", 1, attributes=greedy),
            ago(project, "another model", 1, request_model="n"),
            ago(project, "another prompt", 1, prompt=chat("user", "How old?")),
            ago(project, "failed", 1, status_code="ERROR"),
            ago(project, "x" * 40_000, 1),
            # the caller's span of the same request, not yet known to be one
            ago(project, "It is 41 metres tall.", 0, trace_id=asked.trace_id, observer="client"),
            ago(f"{project}-other", "another project", 1),
        ]
    )
    found = samples(reader_store, project, [asked, grounded], 3)
    assert found[grounded.span_id] == []  # its context is what it is held against
    assert found[asked.span_id] == ["a minute ago", "two hours ago", "yesterday morning"]
    assert samples(reader_store, project, [asked], 1)[asked.span_id] == ["a minute ago"]
    assert samples(reader_store, project, [asked], 0)[asked.span_id] == []


def test_a_worker_finds_what_was_invented(
    reader_store: Store, writer: Writer, project: str
) -> None:
    invented = ago(project, "It is 41 metres tall. Napoleon slept there with seventy horses.", 0)
    others = (
        "The lighthouse stands 41 metres tall.",
        "It is 41 metres tall and was built in 1874.",
        "41 metres tall. It stands on the cliff.",
    )
    writer.write_spans(
        [invented, *(ago(project, text, hour) for hour, text in enumerate(others, 1))]
    )
    judge = Hallucination(JudgeSettings(small_model=False))
    assert isinstance(judge, Compares)
    identity = f"hallucination@{judge.version}"
    scorer = Scorer(reader_store, writer, EvaluatorSettings(), {identity: judge})
    written = scorer.score(
        Hint(
            project=project,
            keys=[key_of(invented)],
            wanted=[Wanted(identity)],
            attempt=1,
            start_by=time.time() + 600,
        )
    )
    assert written == 1
    [row] = reader_store.query(
        "SELECT label, explanation, arrayMap(o -> (o.1, o.2), offsets) AS marked FROM scores "
        "WHERE project = {project:String}",
        {"project": project},
    )
    assert row["explanation"] == "1 of 2 claims are not repeated in 3 other answers to the prompt"
    [(start, stop)] = row["marked"]
    completion = json.loads(invented.completion or "")[0]["parts"][0]["content"]
    assert completion[start:stop].startswith("Napoleon")
