"""Redaction settings, and imports redacted like exports."""

from datetime import UTC, date, datetime

import pytest
from pydantic import SecretStr, ValidationError

from tachograph_collector.importing.batch import Batch
from tachograph_collector.redaction import Redaction
from tachograph_collector.settings import CollectorSettings
from tachograph_store.rows import ScoreRow, SpanRow

DAY = date(2026, 1, 1)
SPAN = SpanRow(
    project="p", trace_id="t", span_id="s", start_time=1, duration_ns=1, name="n", user="a@x.org",
    prompt='[{"content":"call 415-555-2671\\nnow"}]', attributes={"to": "b@x.org"},
    event_attributes=[{"m": "c@x.org"}], expires_on=DAY, content_expires_on=DAY,
)  # fmt: skip


def test_a_project_of_its_own_rule_does_without_the_one_for_all() -> None:
    settings = CollectorSettings(redact={"*": ("pii",), "loud": ()})
    redaction = Redaction(settings)
    assert redaction.of("any") is not None
    assert redaction.of("loud") is None
    assert Redaction(CollectorSettings()).of("any") is None


def test_imported_rows_are_redacted() -> None:
    redaction = Redaction(CollectorSettings(redact={"p": ("email", "phone")})).of("p")
    assert redaction is not None
    batch = Batch("spans")
    batch.add("spans", SPAN, "shop")
    score = ScoreRow(
        project="p", trace_id="t", span_id="s", span_time=1, evaluator="e", name="n", source="api",
        explanation="names d@x.org", created_at=datetime.now(UTC), expires_on=DAY,
    )  # fmt: skip
    batch.add("scores", score, "shop")
    redaction.batch(batch)
    [span] = batch.tables["spans"]
    assert (span.user, span.attributes, span.event_attributes) == (
        "<EMAIL>", {"to": "<EMAIL>"}, [{"m": "<EMAIL>"}],
    )  # fmt: skip
    assert span.prompt == '[{"content":"call <PHONE>\\nnow"}]'
    assert batch.tables["scores"][0].explanation == "names <EMAIL>"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"redact": {"p": ("mail",)}}, "project p: 'mail' is no type"),
        ({"redact": {"p": ("pii",)}, "redact_key": SecretStr("short")}, "at least 16"),
    ],
)
def test_what_cannot_be_redacted_is_refused_at_the_start(
    given: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        CollectorSettings(**given)  # type: ignore[arg-type]
