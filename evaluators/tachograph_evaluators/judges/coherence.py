"""Coherence: relevance to the prompt, and repetition."""

from collections.abc import Sequence

from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.judges import relevance, repetition
from tachograph_evaluators.judges.models import encoder


class Coherence:
    """Scores `relevance` and `repetition`; offsets mark repeated sentences."""

    name = "coherence"
    version = "1"
    scores = ("relevance", "repetition")
    needs = frozenset({"response"})
    batch_size = 32

    def warm_up(self) -> None:
        """Load the encoder."""
        encoder().encode(["ready"])

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer; without a prompt only repetition applies."""
        relevant = relevance.judge(batch)
        return [
            [score, repetition.judge(answer.response or "")]
            for score, answer in zip(relevant, batch, strict=True)
        ]
