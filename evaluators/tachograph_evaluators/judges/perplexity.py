"""Perplexity of an answer under the engine's own log-probabilities, where the span carries it.

exp of the mean negative log-probability of a token (Jelinek et al. 1977). Fluent text under the
model that wrote it lies below some tens; shuffled words, mash and wrong decoding lie in the
hundreds and thousands. A loop lies low: repetition has its own score.
"""

import math
from typing import Final

from tachograph_evaluators.evaluator import Score, not_applicable, verdict

THRESHOLD: Final = 0.5

_MIDDLE: Final = 60.0
"""Perplexity that scores 0.5: sampled text of small models at temperature 1 lies below it."""

_STEEPNESS: Final = 1.6


def judge(perplexity: float | None) -> Score:
    """One `perplexity` score: near 1 for fluent text, near 0 for text its model finds unlikely."""
    if perplexity is None or not math.isfinite(perplexity) or perplexity < 1.0:
        return not_applicable("perplexity", "the span carries no log-probabilities")
    value = 1.0 / (1.0 + (perplexity / _MIDDLE) ** _STEEPNESS)
    return Score(
        name="perplexity",
        value=value,
        label=verdict(value, THRESHOLD),
        explanation=f"perplexity {perplexity:.1f}",
    )
