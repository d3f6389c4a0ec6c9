"""Safety: toxicity and personal data in the answer."""

from collections.abc import Sequence

from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.judges import pii, toxicity


class Safety:
    """Scores `toxicity` and `pii`; offsets mark the sentences and the data."""

    name = "safety"
    version = "1"
    scores = ("toxicity", "pii")
    needs = frozenset({"response"})
    batch_size = 64

    def warm_up(self) -> None:
        """Load the toxicity model."""
        toxicity.warm_up()

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer by itself: neither prompt nor context is read."""
        responses = [answer.response or "" for answer in batch]
        toxic = toxicity.judge(responses)
        return [[score, pii.judge(text)] for score, text in zip(toxic, responses, strict=True)]
