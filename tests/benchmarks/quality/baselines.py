"""What a few lines of code reach: every figure stands beside these, of the same run."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.text import STOPWORDS, words

Floats = NDArray[np.float64]
Rows = Sequence[dict[str, Any]]

TEXTS: Final = ("prompt", "context", "response")


def lengths(rows: Rows, *names: str) -> NDArray[np.int64]:
    """Words of the named texts together."""
    return np.array([sum(len((row.get(n) or "").split()) for n in names) for row in rows])


def overlap(rows: Rows) -> Floats:
    """Share of the answer's content words that stand in its context."""
    return np.array([_overlap(row.get("response") or "", row.get("context") or "") for row in rows])


def _overlap(response: str, context: str) -> float:
    content = [word for word in words(response) if word not in STOPWORDS]
    known = set(words(context))
    return sum(word in known for word in content) / len(content) if content else 0.0


def cosine(rows: Rows) -> Floats:
    """Of prompt and answer, embedded whole."""
    prompts = encoder().encode([row.get("prompt") or "" for row in rows])
    answers = encoder().encode([row.get("response") or "" for row in rows])
    found: Floats = (prompts * answers).sum(axis=1).astype(np.float64)
    return found
