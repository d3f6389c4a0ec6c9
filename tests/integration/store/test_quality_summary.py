"""What evaluators and people said, each answer once however often it was judged."""

import dataclasses
from datetime import UTC, date, datetime, timedelta

from tachograph_store.client import Store
from tachograph_store.queries.quality import quality_summary
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rows import ScoreRow
from tachograph_store.writer import Writer

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def score(project: str, span: int, **changes: object) -> ScoreRow:
    row = ScoreRow(
        project=project,
        trace_id=f"{span:032x}",
        span_id=f"{span:016x}",
        span_time=nanoseconds(NOON) + span,
        evaluator="coherence",
        name="relevance",
        source="evaluator",
        value=0.25,
        created_at=NOON,
        expires_on=date(2099, 1, 1),
    )
    return dataclasses.replace(row, **changes)  # type: ignore[arg-type]


def test_an_answer_counts_once_whoever_judged_it(writer_store: Store, project: str) -> None:
    people = {"evaluator": "people", "name": "helpful", "source": "human", "value": 1.0}
    writer = Writer(writer_store)
    writer.write("scores", [score(project, span) for span in range(5)])
    writer.write("scores", [score(project, 0)])  # sent again
    writer.write("scores", [score(project, 1, value=None, error_type="timeout")])  # said anew
    for span, author in ((0, "ann"), (0, "bob"), (1, "ann")):
        writer.write("scores", [score(project, span, author=author, **people)])
    # The same words for one span, first through the API, then by the evaluator.
    writer.write("scores", [score(project, 9, source="api")])
    writer.write("scores", [score(project, 9)])
    selection = Selection(project=project, since=NOON, until=NOON + timedelta(hours=1))
    found = {(one.source, one.name): one for one in quality_summary(writer_store, selection)}
    assert found.keys() == {("evaluator", "relevance"), ("human", "helpful")}
    judged, said = found["evaluator", "relevance"], found["human", "helpful"]
    assert (judged.answers, judged.valued, judged.errors, judged.below) == (6, 5, 1, 5)
    assert (said.answers, said.valued, said.mean, said.below) == (2, 3, 1.0, 0)
