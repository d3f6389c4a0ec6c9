"""Prints what the weights of the coherence judge rest on; the judge has them rounded.

    python evaluators/training/fit_coherence.py DATA

DATA holds coherence.jsonl (people's ratings of answers in TopicalChat, MIT). The folds hold out
whole conversations. Prints the area under the curve of the baseline (cosine of prompt and answer),
of the logistic fit out of fold, and of the rounded weights as shipped.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from tachograph_evaluators.evaluator import Answer
from tachograph_evaluators.judges import continuity
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.text import words


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="weights of the coherence judge")
    parser.add_argument("data", type=Path)
    path = parser.parse_args().data / "coherence.jsonl"
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    labels = np.array([row["label"] for row in rows])
    answers = [answer_of(row) for row in rows]
    features = np.array([features_of(answer) for answer in answers])
    baseline = [cosine(row["prompt"][-1200:], row["response"]) for row in rows]
    names = sorted({row["prompt"] for row in rows})
    groups = [names.index(row["prompt"]) for row in rows]
    outside = np.zeros(len(rows))
    folds: list[Any] = []
    for inner, outer in GroupKFold(5).split(features, labels, groups):
        model = LogisticRegression(C=10.0).fit(features[inner], labels[inner])
        outside[outer] = model.decision_function(features[outer])
        folds.append(model.coef_[0].round(2).tolist())
    shipped = [
        continuity.evidence(answer, row[0], row[1])
        for answer, row in zip(answers, features, strict=True)
    ]
    print("weights by fold (tail, context, echo, loops):")
    for fold in folds:
        print("  ", fold)
    figures = {
        "baseline": roc_auc_score(labels, baseline),
        "out_of_fold": roc_auc_score(labels, outside),
        "shipped": roc_auc_score(labels, shipped),
    }
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


def answer_of(row: dict[str, Any]) -> Answer:
    """A row as an answer."""
    texts = {name: row[name] for name in ("prompt", "context", "response")}
    return Answer(project="fit", trace_id="", span_id="", span_time=0, **texts)


def features_of(answer: Answer) -> list[float]:
    """Cosines to the prompt's end and to the context, echo and loops."""
    response = answer.response or ""
    said = words(response)
    return [
        cosine(continuity.tail_of(answer.prompt or ""), response),
        cosine((answer.context or "")[:600], response),
        continuity.echo(answer.prompt or "", said),
        continuity.loops(said),
    ]


def cosine(left: str, right: str) -> float:
    """Of the two texts' embeddings."""
    vectors = encoder().encode([left, right])
    return float(vectors[0] @ vectors[1])


if __name__ == "__main__":
    main()
