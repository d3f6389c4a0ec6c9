"""Local coherence: does each sentence of an answer follow from the one before?

The mean cosine of neighbouring sentences (Foltz, Kintsch and Landauer 1998, with a sentence encoder
in place of latent semantic analysis). Sentences thrown together score low; so do lists, mildly.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tachograph_evaluators.evaluator import Answer, Score, not_applicable, verdict
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.text import Span, is_readable, sentences

THRESHOLD: Final = 0.3

_SENTENCES: Final = 12
_MIN_SENTENCES: Final = 3
_FULL: Final = 0.4  # mean cosine of neighbours in plain prose


def texts(batch: Sequence[Answer]) -> list[str]:
    """What `judge` embeds."""
    return [span.text for answer in batch for span in _spans(answer)]


def judge(batch: Sequence[Answer]) -> list[Score]:
    """One `local_coherence` score an answer of three sentences or more; offsets mark the sentence
    that follows least."""
    parts = [_spans(answer) for answer in batch]
    vectors = encoder().encode([span.text for spans in parts for span in spans])
    found: list[Score] = []
    at = 0
    for spans in parts:
        rows = vectors[at : at + len(spans)]
        at += len(spans)
        if not spans:
            reason = f"the answer has fewer than {_MIN_SENTENCES} sentences"
            found.append(not_applicable("local_coherence", reason))
            continue
        near = np.sum(rows[1:] * rows[:-1], axis=1)
        value = float(np.clip(near.mean() / _FULL, 0.0, 1.0))
        weakest = spans[int(near.argmin()) + 1]
        is_low = value < THRESHOLD
        found.append(
            Score(
                name="local_coherence",
                value=value,
                label=verdict(value, THRESHOLD),
                explanation=f"mean cosine of neighbouring sentences {near.mean():.2f}",
                offsets=[(weakest.start, weakest.stop, "follows least")] if is_low else [],
            )
        )
    return found


def _spans(answer: Answer) -> list[Span]:
    response = answer.response or ""
    spans = sentences(response, _SENTENCES) if is_readable(response) else []
    return spans if len(spans) >= _MIN_SENTENCES else []
