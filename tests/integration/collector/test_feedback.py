"""A person's label by REST: about one score, with the weight of an answer that was drawn."""

from typing import Any

from tachograph_store.client import Store


def test_a_label_keeps_what_it_is_about_and_its_weight(
    api: Any, harness: Any, project: str, reader_store: Store
) -> None:
    span = harness.make_span()
    api.export(span)
    score = {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "name": "grounding",
        "value": 0.0,
        "label": "unsupported",
        "comment": "the context says 30 days",
        "sample_weight": 12.5,
    }
    refused = api.client.post("/api/v1/scores", json={**score, "sample_weight": 0.5})
    assert (refused.status_code, "sample_weight" in refused.text) == (422, True)
    assert api.client.post("/api/v1/scores", json=score).status_code == 201

    def rows() -> list[dict[str, Any]]:
        return reader_store.query(
            "SELECT name, source, label, explanation, sample_weight FROM scores "
            "WHERE project = {project:String}",
            {"project": project},
        )

    harness.wait_for(lambda: bool(rows()), "the label in the store")
    assert rows() == [
        {
            "name": "grounding",
            "source": "human",
            "label": "unsupported",
            "explanation": "the context says 30 days",
            "sample_weight": 12.5,
        }
    ]
