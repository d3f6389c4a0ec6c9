"""Scores that spans carry become rows of scores; what is none stays an attribute."""

import json
from collections.abc import Callable

import pytest

from tachograph_collector.translate.spans import TranslatedSpan
from tachograph_store.rows import ScoreRow

TranslateScores = Callable[[dict[str, object]], TranslatedSpan]


def test_annotations_and_evaluations_become_scores(translate_scores: TranslateScores) -> None:
    span = translate_scores(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "m",
            "annotations.0.annotation.name": "correct",
            "annotations.0.annotation.score": 1,
            "annotations.0.annotation.label": "yes",
            "annotations.0.annotation.explanation": "it is",
            "annotations.0.annotation.annotator_kind": "HUMAN",
            "annotations.0.annotation.identifier": "ada",
            "annotations.0.annotation.metadata": '{"k": 1}',
            "evaluations.0.evaluation.name": "stars",
            "evaluations.0.evaluation.score": 4.5,
        }
    )
    human, stars = span.scores
    assert (human.trace_id, human.span_id) == (span.row.trace_id, span.row.span_id)
    assert (human.span_time, human.model) == (span.row.start_time, "m")
    assert (human.name, human.value, human.label) == ("correct", 1.0, "yes")
    assert (human.explanation, human.source, human.author) == ("it is", "human", "ada")
    # 4.5 is on another scale than [0, 1]: it is said, never averaged
    assert (stars.name, stars.value, stars.label, stars.source) == ("stars", None, "4.5", "api")
    assert span.row.attributes == {
        "openinference.span.kind": "LLM",
        "annotations.0.annotation.metadata": '{"k": 1}',
    }


@pytest.mark.parametrize(
    "attributes",
    [
        {"annotations.0.annotation.score": 1},
        {"annotations.0.annotation.name": "n"},
        {"annotations.0.annotation.name": "n", "annotations.0.annotation.score": "high"},
        {"annotations.name": "n"},
        {"evaluations.x.evaluation.name": "n"},
    ],
)
def test_what_is_no_score_stays_an_attribute(
    translate_scores: TranslateScores, attributes: dict[str, object]
) -> None:
    span = translate_scores(attributes)
    assert not span.scores
    assert span.row.attributes == {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in attributes.items()
    }


def test_scores_fit_their_row(translate_scores: TranslateScores) -> None:
    many: dict[str, object] = {}
    for index in range(100):
        many[f"annotations.{index}.annotation.name"] = "n" * 1000
        many[f"annotations.{index}.annotation.label"] = "l"
    span = translate_scores(many)
    assert len(span.scores) == 64
    assert all(isinstance(row, ScoreRow) and len(row.name) == 256 for row in span.scores)
