"""Fitting of linear models on hashed n-grams, and their figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tachograph_evaluators.judges.ngrams import LinearHead, features

SIZE = 1 << 16


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON lines file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def fit(texts: list[str], labels: list[int], strength: float) -> LinearHead:
    """A logistic regression with 8-bit weights; classes weigh the same."""
    model = LogisticRegression(C=strength, max_iter=300, class_weight="balanced")
    model.fit(matrix(texts), labels)
    return quantised(model.coef_[0], float(model.intercept_[0]))


def matrix(texts: list[str]) -> Any:
    """The features of texts, one row each."""
    found = [features(text, SIZE) for text in texts]
    starts = np.cumsum([0, *(len(row) for row in found)])
    columns = np.fromiter((key for row in found for key in row), np.int64, int(starts[-1]))
    values = np.fromiter((v for row in found for v in row.values()), np.float64, int(starts[-1]))
    return csr_matrix((values, columns, starts), shape=(len(texts), SIZE))


def quantised(weights: Any, bias: float) -> LinearHead:
    """The head with 8-bit weights."""
    scale = float(np.abs(weights).max()) / 127
    return LinearHead(np.round(weights / scale).astype(np.int8), scale, bias)


def area(positive: list[float], negative: list[float]) -> float:
    """Area under the ROC curve."""
    labels = [1] * len(positive) + [0] * len(negative)
    return round(float(roc_auc_score(labels, positive + negative)), 4)
