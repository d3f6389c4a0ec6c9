"""Relevance: is the answer about what was asked?"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from tachograph_evaluators.evaluator import Answer, Score, not_applicable, verdict
from tachograph_evaluators.judges.models import MAX_ENCODED_CHARS, encoder
from tachograph_evaluators.judges.text import is_readable, sentences

THRESHOLD: Final = 0.3

# python tests/benchmarks/quality/fit_relevance.py DATA
SLOPE: Final = 13.7
MIDPOINT: Final = 0.19

_PIECES: Final = 12  # sentences of an answer that are compared besides its beginning


def texts(batch: Sequence[Answer]) -> list[str]:
    """What `judge` embeds."""
    return [
        text
        for answer in batch
        if is_readable(answer.prompt or "") and is_readable(answer.response or "")
        for text in (question(answer.prompt or ""), *pieces(answer.response or ""))
    ]


def judge(batch: Sequence[Answer]) -> list[Score]:
    """One `relevance` score an answer: the calibrated cosine of the answer to the prompt."""
    scores: list[Score | None] = [None] * len(batch)
    pairs: list[tuple[int, str, list[str]]] = []
    for index, answer in enumerate(batch):
        prompt, response = answer.prompt or "", answer.response or ""
        if not is_readable(prompt):
            scores[index] = not_applicable("relevance", "the prompt was not recorded")
        elif not is_readable(response):
            scores[index] = not_applicable("relevance", "the answer holds no readable text")
        else:
            pairs.append((index, question(prompt), pieces(response)))
    for (index, _, _), cosine in zip(pairs, cosines([pair[1:] for pair in pairs]), strict=True):
        value = calibrated(cosine)
        scores[index] = Score(
            name="relevance",
            value=value,
            label=verdict(value, THRESHOLD),
            explanation=f"cosine of answer and prompt {cosine:.2f}",
        )
    return [score for score in scores if score is not None]


def question(prompt: str) -> str:
    """What a long prompt asks stands at its end as a rule (after a pasted document)."""
    return prompt if len(prompt) <= MAX_ENCODED_CHARS else prompt[-MAX_ENCODED_CHARS:]


def pieces(response: str) -> list[str]:
    """The answer's beginning and its first sentences: one of them must meet the question."""
    return [response[:MAX_ENCODED_CHARS], *(s.text for s in sentences(response, _PIECES))]


def cosines(pairs: Sequence[tuple[str, list[str]]]) -> list[float]:
    """The mean of the whole answer's cosine and its best piece's, for each prompt and answer."""
    if not pairs:
        return []
    flat = [text for prompt, parts in pairs for text in (prompt, *parts)]
    vectors = encoder().encode(flat)
    found: list[float] = []
    start = 0
    for _, parts in pairs:
        rows = vectors[start : start + 1 + len(parts)]
        similarity = rows[1:] @ rows[0]
        found.append(float((similarity[0] + np.max(similarity)) / 2))
        start += 1 + len(parts)
    return found


def calibrated(cosine: float) -> float:
    """How likely prompt and answer belong together, in [0, 1]."""
    return 1.0 / (1.0 + math.exp(-SLOPE * (cosine - MIDPOINT)))
