"""What speaks for a text being supported, and the fitted sum of it.

Five witnesses: coverage of its words, word pairs, the cosine to the best passage, the share of its
surprise that the context explains (1 - NLL with the context / NLL without, under a small language
model), and the trained entailment head. Each is standardised, weighted and calibrated into a
probability on training rows (`evaluators/training/fit_grounding.py`). The weights are kept close
together by a strong ridge: the training rows are dialogues, where word overlap is easier than
elsewhere, so a free fit trusts it too much.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Final

FILE: Final = "grounding_fit.json"


@dataclass(frozen=True, slots=True)
class Evidence:
    """About one sentence or one answer; None where a witness was not asked."""

    coverage: float
    pairs: float
    cosine: float
    explained: float | None = None
    entailed: float | None = None  # the head's logit, positive when supported


@dataclass(frozen=True, slots=True)
class Fit:
    """A logistic of standardised witnesses."""

    mean: Mapping[str, float]
    scale: Mapping[str, float]
    weights: Mapping[str, float]
    slope: float
    intercept: float

    def probability(self, evidence: Evidence) -> float:
        """That a text with this evidence is supported, where four of five texts are."""
        known = asdict(evidence)
        total = sum(
            weight * (known[name] - self.mean[name]) / self.scale[name]
            for name, weight in self.weights.items()
        )
        logit = min(50.0, max(-50.0, self.intercept + self.slope * total))
        return 1.0 / (1.0 + math.exp(-logit))


@cache
def fits() -> Mapping[str, Fit]:
    """By the witnesses they sum: `light`, `likelihood` and `full`."""
    text = files("tachograph_evaluators.judges").joinpath(FILE).read_text(encoding="utf-8")
    return {name: Fit(**fit) for name, fit in json.loads(text)["fits"].items()}


def probability(evidence: Evidence) -> float:
    """By the fit for the witnesses that were asked."""
    if evidence.explained is None:
        return fits()["light"].probability(evidence)
    return fits()["likelihood" if evidence.entailed is None else "full"].probability(evidence)
