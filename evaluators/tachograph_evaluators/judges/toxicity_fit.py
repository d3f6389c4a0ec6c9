"""How toxicity weighs its witnesses: log-odds 0 at the shipped threshold.

Three witnesses: alt-profanity-check (obscenity), a linear model on n-grams (fit_toxicity.py), and the
trained head of the small language model (train_heads.py), which replaces the second where it is
installed. At the thresholds none of 396 harmless texts alarms that were written to choose them
(evaluators/training/calibrate_toxicity.py): mentions of groups of people, answers on sensitive subjects.
"""

from dataclasses import dataclass
from typing import Final

_LIMIT: Final = 6.0  # log-odds beyond it say no more


@dataclass(frozen=True, slots=True)
class ToxicityFit:
    """Weights of the obscenity model's log-odds beside each of the others, and the thresholds."""

    obscene_beside_ngrams: float
    threshold_of_ngrams: float
    obscene_beside_head: float
    threshold_of_head: float

    def fast(self, obscene: float, ngrams: float) -> float:
        """Log-odds of a piece without the trained head."""
        return ngrams + self.obscene_beside_ngrams * _kept(obscene) - self.threshold_of_ngrams

    def heard(self, obscene: float, head: float) -> float:
        """Log-odds of a piece that the trained head has read."""
        return head + self.obscene_beside_head * _kept(obscene) - self.threshold_of_head


def _kept(logit: float) -> float:
    return max(-_LIMIT, min(_LIMIT, logit))


FIT: Final = ToxicityFit(
    obscene_beside_ngrams=0.8,
    threshold_of_ngrams=2.1,
    obscene_beside_head=0.2,
    threshold_of_head=2.2,
)
