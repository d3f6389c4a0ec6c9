"""Which answers to label next: those whose label would tell most, drawn so that weights stay known.

The best probability of asking about an answer is proportional to the expected size of the evaluator's
error there (Zrnic and Candès, "Active statistical inference", 2024). A score read as the probability of
a good answer errs by sqrt(score * (1 - score)), most at one half. An evaluator may be sure and wrong, so
a part of the budget is spent evenly (the paper's mixing with the uniform rule): an answer is drawn with

    probability = budget * ((1 - EVEN) * error / sum of errors + EVEN / answers),

at most MOST. It is drawn when its permanent random number lies below: asking again draws the same
answers, and a larger budget only adds some. The label is kept with the inverse of the probability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

EVEN: Final = 0.3
MOST: Final = 0.99
"""Never certain: so a weight above 1 says that the answer was drawn, 1 that its label came by itself."""

_RANGE: Final = 2.0**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled:
    """An answer that people could label."""

    trace_id: str
    span_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An answer to label, and the weight to keep with its label."""

    answer: Unlabelled
    label_weight: float


def worth_labelling(answers: Sequence[Unlabelled], budget: int) -> list[Drawn]:
    """About `budget` of them (their number varies, as each is drawn for itself), the most worth first."""
    if not answers or budget <= 0:
        return []
    errors = [math.sqrt(max(0.0, one.score * (1 - one.score))) for one in answers]
    total = math.fsum(errors)
    drawn: list[tuple[float, Drawn]] = []
    for one, error in zip(answers, errors, strict=True):
        share = error / total if total > 0 else 1 / len(answers)
        wanted = budget * ((1 - EVEN) * share + EVEN / len(answers))
        probability = min(MOST, wanted)
        number = label_number(one.trace_id, one.span_id)
        if number < probability:
            drawn.append((number / wanted, Drawn(answer=one, label_weight=1 / probability)))
    return [one for _, one in sorted(drawn, key=lambda pair: pair[0])]


def label_number(trace_id: str, span_id: str) -> float:
    """The permanent random number of an answer for drawing labels, in [0, 1)."""
    identity = f"{trace_id}\0{span_id}".encode()
    return int.from_bytes(blake2b(identity, digest_size=8, person=b"tg-labels").digest()) / _RANGE
