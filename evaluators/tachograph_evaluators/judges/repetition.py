"""Repetition: answers that loop. Perplexity is fooled by a repeated sentence, counting is not."""

from collections import Counter
from itertools import groupby
from typing import Final

from tachograph_evaluators.evaluator import MAX_OFFSETS, Score, not_applicable, verdict
from tachograph_evaluators.judges.text import (
    MAX_TEXT_CHARS,
    Span,
    is_readable,
    sentences,
    words,
)

THRESHOLD: Final = 0.6

_GRAM: Final = 4
_MAX_WORDS: Final = 4000
_USUAL_SHARE: Final = 0.08  # of repeated four-grams in ordinary prose and lists
_MAX_PERIOD: Final = 40  # words in one turn of a loop
_MIN_LOOP_WORDS: Final = 12
_MIN_RUN_CHARS: Final = 20  # the same character over and over


def judge(response: str) -> Score:
    """One `repetition` score: 1 where nothing repeats, 0 where all of it does."""
    if not is_readable(response):
        return not_applicable("repetition", "the answer holds no readable text")
    text = response[:MAX_TEXT_CHARS]
    tokens = words(text)[:_MAX_WORDS]
    spans = repeated_sentences(sentences(text))
    parts = {
        "repeated four-grams": excess(repeated_grams(tokens)),
        "loops": loop_share(tokens),
        "repeated sentences": sum(span.stop - span.start for span in spans) / len(text),
        "runs of one character": run_share(text),
    }
    reason, severity = max(parts.items(), key=lambda item: item[1])
    value = 1.0 - min(1.0, severity)
    return Score(
        name="repetition",
        value=value,
        label=verdict(value, THRESHOLD),
        explanation=f"{reason}: {severity:.0%} of the answer" if severity else "nothing repeats",
        offsets=[(span.start, span.stop, "repeated") for span in spans][:MAX_OFFSETS],
    )


def repeated_grams(tokens: list[str]) -> float:
    """Share of four-grams that stood before."""
    grams = list(zip(*(tokens[shift:] for shift in range(_GRAM)), strict=False))
    return 1.0 - len(set(grams)) / len(grams) if grams else 0.0


def excess(share: float) -> float:
    """What of a share is more than ordinary text repeats, in [0, 1]."""
    return max(0.0, (share - _USUAL_SHARE) / (1 - _USUAL_SHARE))


def loop_share(tokens: list[str]) -> float:
    """Share of the longest stretch in which the text equals itself some words earlier."""
    longest = 0
    for period in range(1, min(_MAX_PERIOD, len(tokens) // 2) + 1):
        run = 0
        for earlier, later in zip(tokens, tokens[period:], strict=False):
            run = run + 1 if earlier == later else 0
            longest = max(longest, run)
    return longest / len(tokens) if longest >= _MIN_LOOP_WORDS else 0.0


def repeated_sentences(spans: list[Span]) -> list[Span]:
    """Sentences of at least three words that stood before, word for word."""
    seen: Counter[tuple[str, ...]] = Counter()
    again: list[Span] = []
    for span in spans:
        key = tuple(words(span.text))
        if len(key) < 3:
            continue
        if seen[key]:
            again.append(span)
        seen[key] += 1
    return again


def run_share(text: str) -> float:
    """Share of the text in runs of one character that is no blank."""
    lengths = [sum(1 for _ in run) for character, run in groupby(text) if not character.isspace()]
    return sum(length for length in lengths if length >= _MIN_RUN_CHARS) / len(text)
