"""Grounding: does the context support the answer, sentence by sentence?"""

import math
from collections.abc import Sequence
from typing import Final

from tachograph_evaluators.evaluator import (
    MAX_OFFSETS,
    Answer,
    Score,
    not_applicable,
    verdict,
)
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.support import Context, Support
from tachograph_evaluators.judges.text import (
    MAX_TEXT_CHARS,
    Span,
    content_stems,
    is_readable,
    sentences,
)

# python tests/benchmarks/quality/fit_grounding.py DATA
WEIGHTS: Final = Support(coverage=6.42, pairs=2.94, cosine=2.29)
INTERCEPT: Final = -8.29

THRESHOLD: Final = 0.3
"""At or above it an answer, or a sentence, counts as supported."""

_WORST_SHARE: Final = 0.3  # of an answer's score: one invented sentence must show in a long answer


class Grounding:
    """Scores `grounding`; offsets mark the sentences that the context does not support."""

    name = "grounding"
    version = "1"
    scores = ("grounding",)
    needs = frozenset({"response", "context"})
    batch_size = 16

    def warm_up(self) -> None:
        """Load the encoder."""
        encoder().encode(["ready"])

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer against its context."""
        readable = {
            index: _Case(answer.response, answer.context)
            for index, answer in enumerate(batch)
            if is_readable(answer.response or "") and is_readable(answer.context or "")
        }
        # One call fills the encoder's cache for all of them.
        encoder().encode([text for case in readable.values() for text in case.texts()])
        return [
            [
                readable[index].judge()
                if index in readable
                else not_applicable("grounding", "answer or context holds no readable text")
            ]
            for index in range(len(batch))
        ]


class _Case:
    """One readable answer beside its context."""

    def __init__(self, response: str | None, context: str | None) -> None:
        self._response = (response or "")[:MAX_TEXT_CHARS]
        self._parts = sentences(self._response)
        self._context = Context(context or "", encoder())

    def texts(self) -> list[str]:
        return self._context.texts(self._parts)

    def judge(self) -> Score:
        parts, context, response = self._parts, self._context, self._response
        features = context.measure(parts)
        whole = probability(answer_support(context, response, features))
        claims = [
            (part, probability(feature))
            for part, feature in zip(parts, features, strict=True)
            if is_claim(part)
        ]
        worst = min((value for _, value in claims), default=whole)
        value = (1 - _WORST_SHARE) * whole + _WORST_SHARE * worst
        unsupported = [(part, support) for part, support in claims if support < THRESHOLD]
        return Score(
            name="grounding",
            value=value,
            label=verdict(value, THRESHOLD),
            explanation=f"{len(unsupported)} of {len(claims)} sentences lack support in the context",
            offsets=[(part.start, part.stop, "unsupported") for part, _ in unsupported][
                :MAX_OFFSETS
            ],
        )


def is_claim(sentence: Span) -> bool:
    """Questions and sentences without a content word claim nothing."""
    return not sentence.text.rstrip().endswith("?") and bool(content_stems(sentence.text))


def answer_support(context: Context, response: str, features: Sequence[Support]) -> Support:
    """Features of a whole answer: its words together, its sentences' cosines on average."""
    coverage, pairs = context.coverage(response)
    return Support(coverage, pairs, sum(part.cosine for part in features) / len(features))


def probability(support: Support) -> float:
    """The fitted logistic: how likely a text with these features is supported, in [0, 1]."""
    logit = INTERCEPT + sum(w * x for w, x in zip(WEIGHTS, support, strict=True))
    return 1.0 / (1.0 + math.exp(-logit))
