"""A scoring process that grew too large makes room for a new one.

A file, and so a store, of its own: here every batch costs a new process, and a planner would send
all answers that other tests left in a shared store through it.
"""

from collections.abc import Callable

from tachograph_store.writer import Writer

from .conftest import Row, Stack, answer_span, eventually


def test_a_scoring_process_above_its_bound_is_replaced_after_its_batch(
    stack: Stack, writer: Writer, project: str, scores: Callable[[str], list[Row]]
) -> None:
    settings = {
        "TACHOGRAPH_EVALUATORS_ENABLED": "greedy",
        "TACHOGRAPH_EVALUATORS_MAX_MEMORY_PER_CHILD_KB": "200000",
    }
    with stack.running("worker", "beat", **settings):
        writer.write_spans([answer_span(project, "first")])
        eventually(lambda: len(scores(project)) == 1, "the first score")
        writer.write_spans([answer_span(project, "second")])
        eventually(lambda: len(scores(project)) == 2, "the second score")
    assert len({row.explanation for row in scores(project)}) == 2
