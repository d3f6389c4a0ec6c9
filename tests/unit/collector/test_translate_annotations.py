"""Scores that spans carry become rows of scores; what is none stays an attribute."""

import json
from collections.abc import Callable, Sequence

import pytest

from tachograph_store.rows import ScoreRow, SpanRow

TranslateScores = Callable[[dict[str, object]], tuple[SpanRow, Sequence[ScoreRow]]]


def test_annotations_and_evaluations_become_scores(translate_scores: TranslateScores) -> None:
    row, scores = translate_scores(
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
    human, stars = scores
    assert (human.trace_id, human.span_id) == (row.trace_id, row.span_id)
    assert (human.span_time, human.model) == (row.start_time, "m")
    assert (human.name, human.value, human.label) == ("correct", 1.0, "yes")
    assert (human.explanation, human.source, human.author) == ("it is", "human", "ada")
    # 4.5 is on another scale than [0, 1]: it is said, never averaged
    assert (stars.name, stars.value, stars.label, stars.source) == ("stars", None, "4.5", "api")
    assert row.attributes == {
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
    row, scores = translate_scores(attributes)
    assert not scores
    assert row.attributes == {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in attributes.items()
    }


def test_scores_fit_their_row(translate_scores: TranslateScores) -> None:
    many: dict[str, object] = {}
    for index in range(100):
        many[f"annotations.{index}.annotation.name"] = "n" * 1000
        many[f"annotations.{index}.annotation.label"] = "l"
    _, scores = translate_scores(many)
    assert len(scores) == 64
    assert all(isinstance(score, ScoreRow) and len(score.name) == 256 for score in scores)
