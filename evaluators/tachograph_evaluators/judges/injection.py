"""Prompt injection and jailbreaks: in what the user says, and planted in what the model reads.

Pieces are scored, not the whole: windows of the prompt, sentences of the context. Known wording is
found by patterns, other wording by two linear models on n-grams (one of attacks of all kinds, one of
those of two contests) and, where it is installed and wanted, by a trained head of the small language
model; orders planted in a context by what they are.
"""

import math
import re
from collections.abc import Iterator, Sequence
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
_CONTEST_FILE: Final = "injection_contest_ngrams.json"
_WINDOW_WORDS: Final = 60
_MAX_WINDOWS: Final = 400
HEARD_WORDS: Final = 120
MAX_HEARD: Final = 12  # pieces of one text that the language model reads
_WORD: Final = re.compile(r"\S+")


class Piece(NamedTuple):
    """A piece of a text: what the fast witnesses say of it, and the log-odds that it is an attack."""

    span: Span
    weight: float
    known: float
    logit: float


class Injection:
    """Scores `injection`; offsets mark pieces of the prompt or of the context, whichever is worse."""

    name = "injection"
    version = "5"
    scores = ("injection",)
    needs: frozenset[str] = frozenset()
    batch_size = 32

    def __init__(self) -> None:
        self._of_prompts = Witness("injection")
        self._of_contexts = Witness("planted")

    def warm_up(self) -> None:
        """Load the linear models, and the language model's heads where they are wanted."""
        ngrams.load(_HEAD_FILE)
        ngrams.load(_CONTEST_FILE)
        self._of_prompts.warm_up()
        self._of_contexts.warm_up()

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge prompt and context of each answer."""
        prompts = self._prompts([answer.prompt or "" for answer in batch])
        contexts = self._contexts(batch)
        return [
            [_score(prompt, context)] for prompt, context in zip(prompts, contexts, strict=True)
        ]

    def _prompts(self, prompts: Sequence[str]) -> list[list[Piece]]:
        """Windows of each prompt; the trained head reads longer ones, and its worst word counts."""
        found = [fast_prompt(prompt) for prompt in prompts]
        asked = [
            [span.text for span in islice(windows(prompt, HEARD_WORDS), MAX_HEARD)]
            if pieces
            else []
            for prompt, pieces in zip(prompts, found, strict=True)
        ]
        said = self._of_prompts.logits([text for texts in asked for text in texts])
        if said is None:
            return found
        words = iter(said)
        heads = [max((next(words) for _ in texts), default=0.0) for texts in asked]
        return [
            [piece._replace(logit=FIT.prompt(piece.weight, head)) for piece in pieces]
            for pieces, head in zip(found, heads, strict=True)
        ]

    def _contexts(self, batch: Sequence[Answer]) -> list[list[Piece]]:
        """Sentences of each context; the trained head reads the most suspicious ones."""
        found = [fast_context(answer.context or "", answer.prompt or "") for answer in batch]
        chosen = [
            sorted(range(len(pieces)), key=lambda index: -pieces[index].logit)[:MAX_HEARD]
            for pieces in found
        ]
        said = self._of_contexts.logits(
            [
                pieces[index].span.text
                for pieces, indexes in zip(found, chosen, strict=True)
                for index in indexes
            ]
        )
        if said is None:
            return found
        words = iter(said)
        for pieces, indexes in zip(found, chosen, strict=True):
            for index in indexes:
                piece = pieces[index]
                logit = FIT.context(piece.weight, piece.known, next(words))
                pieces[index] = piece._replace(logit=logit)
        return found


def fast_prompt(prompt: str) -> list[Piece]:
    """Windows of a prompt, weighed without the language model."""
    text = prompt[:MAX_PROMPT_CHARS]
    if not is_readable(text):
        return []
    heads = ngrams.load(_HEAD_FILE), ngrams.load(_CONTEST_FILE)
    found = []
    for span in islice(windows(text), _MAX_WINDOWS):
        known = _known(span.text)
        general, contest = ngrams.logits(heads, span.text)
        phrase = FIT.phrase(general, contest, known)
        found.append(Piece(span, phrase, known, FIT.prompt(phrase, None)))
    return found


def fast_context(context: str, prompt: str) -> list[Piece]:
    """Sentences of a context, weighed without the language model."""
    if not is_readable(context):
        return []
    spans = planted.sentences_of(context)
    found = []
    for span, weight in zip(spans, planted.weigh(spans, prompt), strict=True):
        known = _known(span.text)
        found.append(Piece(span, weight, known, FIT.context(weight, known, None)))
    return found


def windows(text: str, size: int = _WINDOW_WORDS) -> Iterator[Span]:
    """Pieces of `size` words, cut between words, half overlapping in longer texts."""
    text = text[:MAX_PROMPT_CHARS]
    starts = [0]
    for count, match in enumerate(_WORD.finditer(text), start=1):
        if count % (size // 2) == 0:
            starts.append(match.end())
    stops = [*starts[2:], len(text)]
    for start, stop in zip(starts, stops, strict=False):
        if text[start:stop].strip():
            yield Span(start, stop, text[start:stop])


def _known(text: str) -> float:
    """Confidence of the surest known phrase, 0 where there is none."""
    return max((finding.confidence for finding in detect(text, ["injection"])), default=0.0)


def _score(prompt: list[Piece], context: list[Piece]) -> Score:
    if not prompt and not context:
        return not_applicable("injection", "neither prompt nor context holds readable text")
    worst_prompt = max((found.logit for found in prompt), default=-math.inf)
    worst_context = max((found.logit for found in context), default=-math.inf)
    where: Text = "context" if worst_context > worst_prompt else "prompt"
    found = context if where == "context" else prompt
    worst = max(-30.0, min(30.0, max(worst_prompt, worst_context)))
    value = 1.0 / (1.0 + math.exp(worst))
    guilty = sorted((piece for piece in found if piece.logit > 0), key=lambda piece: -piece.logit)
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
            (piece.span.start, piece.span.stop, "injection") for piece in guilty[:MAX_OFFSETS]
        ),
        text=where,
    )
