"""What the demo counts as recorded and judged, in a real store."""

from datetime import UTC, date, datetime
from pathlib import Path

from tests.fixtures.store_process import running_store
from tests.integration.evaluators.conftest import answer_span

from tachograph_cli.demo.books import Books
from tachograph_cli.home import Home
from tachograph_store.client import connect
from tachograph_store.rows import JobRow, ScoreRow, SpanRow
from tachograph_store.writer import Writer

NEVER = date(2099, 1, 1)


def test_a_request_is_judged_when_every_evaluator_at_work_has_spoken(tmp_path: Path) -> None:
    """Evaluators that lack a setting are installed and never planned: nobody waits for them."""
    home = Home(tmp_path)
    with running_store(tmp_path) as settings, connect(settings, "writer") as store:
        books = Books(home, "http://127.0.0.1:9")
        writer = Writer(store)
        spans = [answer_span("default", text) for text in ("one", "two")]
        writer.write_spans(spans)
        writer.write("jobs", [lease(span, name) for span in spans for name in ("x", "y")])
        assert (books.recorded(), books.scored()) == (2, 0)
        writer.write("scores", [score(spans[0], "x"), score(spans[1], "x")])
        assert books.scored() == 0
        writer.write("scores", [score(spans[0], "y")])
        assert books.scored() == 1


def lease(span: SpanRow, evaluator: str) -> JobRow:
    now = datetime.now(UTC)
    return JobRow(
        project=span.project,
        trace_id=span.trace_id,
        span_id=span.span_id,
        kind="evaluation",
        evaluator=evaluator,
        state="leased",
        due_at=now,
        created_at=now,
        expires_on=NEVER,
    )


def score(span: SpanRow, evaluator: str) -> ScoreRow:
    return ScoreRow(
        project=span.project,
        trace_id=span.trace_id,
        span_id=span.span_id,
        span_time=span.start_time,
        evaluator=evaluator,
        evaluator_version="1",
        name=evaluator,
        source="evaluator",
        value=0.5,
        created_at=datetime.now(UTC),
        expires_on=NEVER,
    )
