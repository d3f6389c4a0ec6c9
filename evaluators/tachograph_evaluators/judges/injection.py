"""Prompt injection and jailbreaks: in what the user says, and planted in what the model reads.

Pieces are scored, not the whole: windows of the prompt, sentences of the context. Known wording is
found by patterns, other wording by a linear model on n-grams and, where it is installed and
wanted, by a trained head of the small language model; orders planted in a context by what they are.
"""

import math
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from tachograph_detectors import detect
from tachograph_evaluators.evaluator import (
    MAX_OFFSETS,
    Answer,
    Score,
    Text,
    not_applicable,
    verdict,
)
from tachograph_evaluators.judges import ngrams, planted
from tachograph_evaluators.judges.injection_fit import FIT
from tachograph_evaluators.judges.text import Span, is_readable
from tachograph_evaluators.judges.witness import Witness

THRESHOLD: Final = 0.5

MAX_PROMPT_CHARS: Final = 200_000
"""What is read of one prompt."""

_HEAD_FILE: Final = "injection_ngrams.json"
_WINDOW_WORDS: Final = 60
_MAX_WINDOWS: Final = 400
_MAX_WITNESSED: Final = 12  # pieces of one text that the language model reads


class Suspicion(NamedTuple):
    """A piece of a text and the log-odds that it is an attack."""

    span: Span
    logit: float


class Injection:
    """Scores `injection`; offsets mark pieces of the prompt or of the context, whichever is worse."""

    name = "injection"
    version = "1"
    scores = ("injection",)
    needs: frozenset[str] = frozenset()
    batch_size = 32

    def __init__(self) -> None:
        self._witness = Witness("injection")

    def warm_up(self) -> None:
        """Load the linear model, and the language model's head where it is wanted."""
        ngrams.load(_HEAD_FILE)
        self._witness.warm_up()

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge prompt and context of each answer."""
        prompts = [fast_prompt(answer.prompt or "") for answer in batch]
        contexts = [fast_context(answer.context or "", answer.prompt or "") for answer in batch]
        prompts, contexts = self._witnessed(prompts), self._witnessed(contexts)
        return [
            [_score(answer, prompt, context)]
            for answer, prompt, context in zip(batch, prompts, contexts, strict=True)
        ]

    def _witnessed(self, texts: Sequence[list[Suspicion]]) -> list[list[Suspicion]]:
        """The most suspicious pieces of each text with the language model's word added."""
        chosen = [
            sorted(range(len(found)), key=lambda index: -found[index].logit)[:_MAX_WITNESSED]
            for found in texts
        ]
        asked = [
            found[index].span.text
            for found, indexes in zip(texts, chosen, strict=True)
            for index in indexes
        ]
        said = self._witness.logits(asked)
        if said is None:
            return list(texts)
        words = iter(said)
        heard: list[list[Suspicion]] = []
        for found, indexes in zip(texts, chosen, strict=True):
            mixed = dict(enumerate(found))
            for index in indexes:
                logit = FIT.mixed(found[index].logit, next(words))
                mixed[index] = found[index]._replace(logit=logit)
            heard.append([mixed[index] for index in sorted(mixed)])
        return heard


def fast_prompt(prompt: str) -> list[Suspicion]:
    """Windows of a prompt with their log-odds, without the language model."""
    text = prompt[:MAX_PROMPT_CHARS]
    if not is_readable(text):
        return []
    head = ngrams.load(_HEAD_FILE)
    return [
        Suspicion(span, FIT.prompt(head.logit(span.text), _known(span.text)))
        for span in islice(windows(text), _MAX_WINDOWS)
    ]


def fast_context(context: str, prompt: str) -> list[Suspicion]:
    """Sentences of a context with their log-odds, without the language model."""
    if not is_readable(context):
        return []
    spans = planted.sentences_of(context)
    weights = planted.weigh(spans, prompt)
    return [
        Suspicion(span, FIT.context(weight, _known(span.text)))
        for span, weight in zip(spans, weights, strict=True)
    ]


def windows(text: str) -> list[Span]:
    """Pieces of some sixty words, cut between words, half overlapping in longer texts."""
    starts = [0]
    position = 0
    for count, word in enumerate(text.split(), start=1):
        position = text.index(word, position) + len(word)
        if count % (_WINDOW_WORDS // 2) == 0:
            starts.append(position)
    stops = [*starts[2:], len(text)]
    return [
        Span(start, stop, text[start:stop])
        for start, stop in zip(starts, stops, strict=False)
        if text[start:stop].strip()
    ]


def _known(text: str) -> float:
    """Confidence of the surest known phrase, 0 where there is none."""
    return max((finding.confidence for finding in detect(text, ["injection"])), default=0.0)


def _score(answer: Answer, prompt: list[Suspicion], context: list[Suspicion]) -> Score:
    if not prompt and not context:
        return not_applicable("injection", "neither prompt nor context holds readable text")
    worst_prompt = max((found.logit for found in prompt), default=-math.inf)
    worst_context = max((found.logit for found in context), default=-math.inf)
    where: Text = "context" if worst_context > worst_prompt else "prompt"
    found = context if where == "context" else prompt
    value = 1.0 - 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, max(worst_prompt, worst_context)))))
    guilty = [one for one in found if one.logit > 0.0]
    guilty.sort(key=lambda one: -one.logit)
    return Score(
        name="injection",
        value=value,
        label=verdict(value, THRESHOLD),
        explanation=(
            f"{len(guilty)} of {len(found)} pieces of the {where} read as orders to the model"
            if guilty
            else "no piece reads as an attempt to take over"
        ),
        offsets=sorted(
            (one.span.start, one.span.stop, "injection") for one in guilty[:MAX_OFFSETS]
        ),
        text=where,
    )
