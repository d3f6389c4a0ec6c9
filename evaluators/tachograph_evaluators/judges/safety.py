"""Safety: toxicity and personal data in the answer."""

from collections.abc import Sequence

from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.judges import pii
from tachograph_evaluators.judges.toxicity import Toxicity


class Safety:
    """Scores `toxicity` and `pii`; offsets mark the sentences and the data."""

    name = "safety"
    version = "2"
    scores = ("toxicity", "pii")
    needs = frozenset({"response"})
    batch_size = 64

    def __init__(self) -> None:
        self._toxicity = Toxicity()

    def warm_up(self) -> None:
        """Load the toxicity model."""
        self._toxicity.warm_up()

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer by itself: neither prompt nor context is read."""
        toxic = self._toxicity.evaluate(batch)
        return [
            [score, pii.judge(answer.response or "")]
            for [score], answer in zip(toxic, batch, strict=True)
        ]
