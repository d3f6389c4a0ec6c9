"""Whether an answer goes on from what was said last.

In a conversation the last turns decide, not the whole: the cosine of the answer to the end of the
prompt told people's coherence ratings better than its cosine to all of it. An answer that says again
what was just said, or repeats itself, goes nowhere.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from tachograph_evaluators.evaluator import Answer, Score, not_applicable, verdict
from tachograph_evaluators.judges.models import MAX_ENCODED_CHARS, encoder
from tachograph_evaluators.judges.text import is_readable, words

THRESHOLD: Final = 0.5

_TAIL_CHARS: Final = 80  # the last lines of a prompt until there is so much
_TAIL_LINES: Final = 4
_CONTEXT_CHARS: Final = 600
_TURN_WORDS: Final = 60  # a longer line is a document, not a turn
_ECHO_TURNS: Final = 8

# Rounded from a logistic fit over TopicalChat's ratings (360 answers to 60 conversations; five-fold
# by conversation: evaluators/training/fit_coherence.py DATA), so that the folds agree on them.
_TAIL_WEIGHT: Final = 5.0
_CONTEXT_WEIGHT: Final = 1.5
_ECHO_WEIGHT: Final = 2.0
_LOOP_WEIGHT: Final = 3.0
_MIDDLE: Final = 0.9


def texts(batch: Sequence[Answer]) -> list[str]:
    """What `judge` embeds."""
    return [text for answer in batch if _applies(answer) for text in _parts(answer)]


def judge(batch: Sequence[Answer]) -> list[Score]:
    """One `coherence` score an answer."""
    fitting = [answer for answer in batch if _applies(answer)]
    vectors = encoder().encode([text for answer in fitting for text in _parts(answer)])
    found: list[Score] = []
    at = 0
    for answer in batch:
        if not _applies(answer):
            has_prompt = is_readable(answer.prompt or "")
            reason = "the answer holds no readable text" if has_prompt else "no prompt was recorded"
            found.append(not_applicable("coherence", reason))
            continue
        rows = vectors[at : at + 3]
        at += 3
        context = float(rows[2] @ rows[0]) if (answer.context or "").strip() else None
        found.append(_score(answer, float(rows[1] @ rows[0]), context))
    return found


def evidence(answer: Answer, tail: float, context: float | None) -> float:
    """Log-odds that the answer goes on well, from its cosines to the prompt's end and the context."""
    response = words((answer.response or "")[:4000])
    logit = _TAIL_WEIGHT * tail - _MIDDLE
    if context is not None:
        logit += _CONTEXT_WEIGHT * (context - 0.25)
    return (
        logit - _ECHO_WEIGHT * echo(answer.prompt or "", response) - _LOOP_WEIGHT * loops(response)
    )


def echo(prompt: str, response: Sequence[str]) -> float:
    """Share of the answer's words that one single turn before it said already."""
    turns = [frozenset(words(line[:2000])) for line in _lines(prompt)[-_ECHO_TURNS:]]
    said = frozenset(response)
    shares = [len(said & turn) / len(said) for turn in turns if said and len(turn) <= _TURN_WORDS]
    return max(shares, default=0.0)


def loops(response: Sequence[str]) -> float:
    """Share of word pairs that stood before."""
    pairs = list(pairwise(response))
    return 1.0 - len(set(pairs)) / len(pairs) if pairs else 0.0


def tail_of(prompt: str) -> str:
    """The last lines of a prompt: what is answered."""
    kept: list[str] = []
    for line in reversed(_lines(prompt)[-_TAIL_LINES:]):
        kept.insert(0, line)
        if sum(map(len, kept)) >= _TAIL_CHARS:
            break
    return " ".join(kept)[-MAX_ENCODED_CHARS:]


def _lines(prompt: str) -> list[str]:
    tail = prompt[-20_000:]
    return [line.strip() for line in tail.splitlines() if line.strip()]


def _parts(answer: Answer) -> tuple[str, str, str]:
    response = (answer.response or "")[:MAX_ENCODED_CHARS]
    return response, tail_of(answer.prompt or ""), (answer.context or "")[:_CONTEXT_CHARS]


def _applies(answer: Answer) -> bool:
    return is_readable(answer.prompt or "") and is_readable(answer.response or "")


def _score(answer: Answer, tail: float, context: float | None) -> Score:
    value = 1.0 / (1.0 + math.exp(-evidence(answer, tail, context)))
    return Score(
        name="coherence",
        value=value,
        label=verdict(value, THRESHOLD),
        explanation=f"cosine to what was said last {tail:.2f}",
    )
