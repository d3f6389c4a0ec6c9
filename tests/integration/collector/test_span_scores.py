"""Scores that come on spans are stored beside them and balance in the books."""

from collections import Counter
from typing import Any

from tachograph_store.client import Store


def test_scores_on_spans_are_stored_once(
    api: Any, harness: Any, reader_store: Store, project: str
) -> None:
    attributes = {
        "openinference.span.kind": "LLM",
        "annotations.0.annotation.name": "correct",
        "annotations.0.annotation.score": 0.5,
        "annotations.1.annotation.name": "tone",
        "annotations.1.annotation.label": "kind",
    }
    span = harness.make_span(attributes)
    for _ in range(2):
        assert not api.export(span, harness.chat_span()).HasField("partial_success")
    rows = reader_store.query(
        "SELECT name, value, label, trace_id, span_id FROM scores FINAL "
        "WHERE project = {project:String} ORDER BY name",
        {"project": project},
    )
    ids = (span.trace_id.hex(), span.span_id.hex())
    assert [tuple(row.values()) for row in rows] == [
        ("correct", 0.5, None, *ids),
        ("tone", None, "kind", *ids),
    ]

    def log_records() -> dict[str, int]:
        entries = api.client.get("/api/v1/ledger").json()["entries"]
        counts: Counter[str] = Counter()
        for entry in entries:
            if entry["signal"] == "logs":
                counts[entry["outcome"]] += entry["count"]
        return dict(+counts)

    expected = {"received": 4, "accepted": 4, "stored": 2, "duplicate": 2}
    harness.wait_for(lambda: log_records() == expected, "balanced books of the scores")
