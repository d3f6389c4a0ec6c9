"""Coherence: does the answer go on from what was said, about it, in its language, to its end?"""

from collections.abc import Sequence
from typing import Final

from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.judges import (
    continuity,
    language,
    local_coherence,
    perplexity,
    relevance,
    repetition,
    truncation,
)
from tachograph_evaluators.judges.models import encoder

_JUDGED_ALONE: Final = ("repetition", "language", "truncation", "perplexity")


class Coherence:
    """Scores `coherence` (the headline: how well the answer goes on), and its single sides:
    `relevance`, `local_coherence`, `repetition`, `language`, `truncation`, `perplexity`."""

    name = "coherence"
    version = "2"
    scores = ("coherence", "relevance", "local_coherence", *_JUDGED_ALONE)
    needs = frozenset({"response"})
    batch_size = 32

    def warm_up(self) -> None:
        """Load the encoder."""
        encoder().encode(["ready"])

    def texts(self, batch: Sequence[Answer]) -> Sequence[str]:
        """What `evaluate` will embed."""
        return [*relevance.texts(batch), *continuity.texts(batch), *local_coherence.texts(batch)]

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer; without a prompt only what the answer shows by itself applies."""
        columns = (
            continuity.judge(batch),
            relevance.judge(batch),
            local_coherence.judge(batch),
            [repetition.judge(answer.response or "") for answer in batch],
            [language.judge(answer.prompt, answer.response or "") for answer in batch],
            [truncation.judge(answer.response or "", answer.finish_reasons) for answer in batch],
            [perplexity.judge(answer.perplexity) for answer in batch],
        )
        return [list(scores) for scores in zip(*columns, strict=True)]
