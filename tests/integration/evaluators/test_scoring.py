"""The built-in evaluators through worker, beat and embedded broker: every answer, once."""

import time
from collections import Counter
from collections.abc import Callable

from tachograph_store.writer import Writer

from .conftest import Row, Stack, answer_span, chat, eventually

CONTEXT = "Returns are accepted within 30 days of delivery. Shoes must have clean soles."
BUILT_IN = "toxicity,pii,coherence,grounding"
PATIENT = {"TACHOGRAPH_EVALUATORS_TIME_LIMIT_S": "300"}  # no worker dies here: no slow machine may
NAMES = {
    "toxicity", "pii", "grounding", "coherence", "relevance", "local_coherence", "repetition",
    "language", "truncation", "perplexity",
}  # fmt: skip


def test_every_answer_gets_every_score_once(
    stack: Stack, writer: Writer, project: str, scores: Callable[[str], list[Row]]
) -> None:
    other = f"{project}-other"
    grounded = answer_span(project, "Returns are accepted within 30 days.", context=CONTEXT)
    toxic = answer_span(project, "Fuck off, you stupid idiot. Write to ada@example.org.")
    looping = answer_span(project, "It is thirty days from now. " * 30)
    late = answer_span(project, "You have a month.", start_time=time.time_ns() - 7200 * 10**9)
    uncounted = answer_span(project, "Twice told.", is_counted=False)
    failed = answer_span(project, "Half an ans", status_code="ERROR")
    silent = answer_span(project, "", completion=None)
    foreign = answer_span(other, "The capital of France is Paris.", tenant="globex")
    rows = [grounded, toxic, looping, late, uncounted, failed, silent, foreign]
    with stack.running("worker", "beat", TACHOGRAPH_EVALUATORS_ENABLED=BUILT_IN, **PATIENT):
        writer.write_spans(rows)
        judged = {row.span_id for row in (grounded, toxic, looping, late)}
        eventually(
            lambda: len(scores(project)) >= len(NAMES) * len(judged), "all scores of the project"
        )
        eventually(lambda: len(scores(other)) >= len(NAMES), "all scores of the other project")
        arrived = answer_span(project, "Thirty days, as I said.")
        writer.write_spans([arrived])
        judged.add(arrived.span_id)
        eventually(
            lambda: len(scores(project)) >= len(NAMES) * len(judged), "the scores of a new answer"
        )
        pong = stack.command("worker", "--ping", "--timeout", "100")
    assert (pong.returncode, "models ready" in pong.stdout) == (0, True), pong.stdout

    found = scores(project)
    counts = Counter((row.span_id, row.name) for row in found)
    assert counts == {(span_id, name): 1 for span_id in judged for name in NAMES}
    assert {row.tenant for row in found} == {"acme"}
    assert {row.span_id for row in scores(other)} == {foreign.span_id}
    assert {row.tenant for row in scores(other)} == {"globex"}
    by_name = {(row.span_id, row.name): row for row in found}
    assert by_name[grounded.span_id, "grounding"].label == "pass"
    assert by_name[late.span_id, "grounding"].label == "not_applicable"
    assert by_name[toxic.span_id, "toxicity"].label == "fail"
    assert by_name[toxic.span_id, "pii"].label == "fail"
    assert by_name[looping.span_id, "repetition"].label == "fail"
    assert by_name[grounded.span_id, "toxicity"].label == "pass"


def test_a_context_that_arrives_after_the_answer_is_used(
    stack: Stack, writer: Writer, project: str, scores: Callable[[str], list[Row]]
) -> None:
    """The sidecar's span has no context and is stored first; its caller's span brings it."""
    proxy = answer_span(project, "Returns are accepted within 30 days.", parent_span_id="c" * 16)
    caller = answer_span(
        project,
        "Returns are accepted within 30 days.",
        trace_id=proxy.trace_id,
        span_id="c" * 16,
        is_counted=False,
        observer="client",
        context=CONTEXT,
    )
    searched = answer_span(project, "Thirty days.", parent_span_id="a" * 16)
    retrieval = answer_span(
        project,
        "",
        trace_id=searched.trace_id,
        parent_span_id="a" * 16,
        operation="retrieval",
        is_counted=False,
        observer="client",
        start_time=searched.start_time - 10**9,
        prompt=chat("user", "returns"),
        completion=None,
        context="Returns: thirty days.",
    )
    with stack.running(
        "worker", "beat", TACHOGRAPH_EVALUATORS_ENABLED="grounding,length", **PATIENT
    ):
        writer.write_spans([proxy, searched])
        # `length` needs no context: once it is there, the answers have been planned and judged.
        eventually(lambda: len(scores(project)) >= 2, "the scores that need no context")
        assert {row.name for row in scores(project)} == {"length"}
        writer.write_spans([caller, retrieval])
        eventually(lambda: len(scores(project)) >= 4, "the scores that need the context")
    labels = {row.span_id: row.label for row in scores(project) if row.name == "grounding"}
    assert labels == {proxy.span_id: "pass", searched.span_id: "pass"}
