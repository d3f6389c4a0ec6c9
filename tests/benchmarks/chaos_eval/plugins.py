"""Evaluators for the chaos run: two, one with two scores, quick but not instant."""

import time
from collections.abc import Sequence

from tachograph_evaluators.evaluator import Answer, Score

_ANSWER_S = 0.004


class Length:
    """The answer's length is its score."""

    name = "length"
    version = "1"
    scores: tuple[str, ...] = ("length",)
    needs = frozenset({"response"})
    batch_size = 16

    def warm_up(self) -> None:
        """Nothing to load."""

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Every score of each answer, after some time."""
        time.sleep(_ANSWER_S * len(batch))
        return [
            [
                Score(name=name, value=min(1.0, len(answer.response or "") / 100), label="pass")
                for name in self.scores
            ]
            for answer in batch
        ]


class Pair(Length):
    """Two scores an answer."""

    name = "pair"
    version = "7"
    scores = ("pair_one", "pair_two")
