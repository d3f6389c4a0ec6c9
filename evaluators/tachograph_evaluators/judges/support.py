"""How far a context supports one text: the features of grounding.

Word overlap is hard to beat, so it is made better rather than replaced: rare words weigh more
than common ones, a word that is missing may be covered by a near synonym (word vectors of the
encoder), but numbers and names only by themselves. Beside it stand the share of word pairs found
and the cosine of each sentence to the best passage.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tachograph_evaluators.judges.models import Encoder, Vectors
from tachograph_evaluators.judges.text import (
    STOPWORDS,
    Span,
    content_stems,
    proper_words,
    sentences,
    stem,
    words,
)

MAX_CONTEXT_CHARS: Final = 600_000
"""About 200 pages; what lies behind it is not searched."""

_SYNONYM_FLOOR: Final = 0.3  # cosine of word vectors from which a word starts to be covered
_PASSAGES_PER_SENTENCE: Final = 4
_MAX_PASSAGES: Final = 48
_MAX_CONTEXT_WORDS: Final = 4000
_MAX_COMPARISONS: Final = 1_000_000  # of a sentence and a passage by shared words, a second or so


class Support(NamedTuple):
    """Features of one text against one context, each in [0, 1] and 1 when supported."""

    coverage: float
    pairs: float
    cosine: float


class Context:
    """One context, prepared once for all sentences of an answer."""

    def __init__(self, text: str, encoder: Encoder) -> None:
        self._text = text[:MAX_CONTEXT_CHARS]
        self._encoder = encoder
        self._nearness: dict[str, tuple[float, float]] = {}

    @cached_property
    def _words(self) -> list[str]:
        return words(self._text)

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(map(stem, self._words))

    @cached_property
    def _pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(pairwise(map(stem, self._words)))

    @cached_property
    def _vectors(self) -> Vectors:
        content = Counter(word for word in self._words if word not in STOPWORDS)
        return self._encoder.words([w for w, _ in content.most_common(_MAX_CONTEXT_WORDS)])[0]

    @cached_property
    def _passages(self) -> list[str]:
        return _passages(self._text)

    @cached_property
    def _passage_stems(self) -> list[frozenset[str]]:
        return [frozenset(content_stems(passage)) for passage in self._passages]

    def measure(self, answer: Sequence[Span]) -> list[Support]:
        """The features of each sentence of an answer."""
        self._near([word for span in answer for word in words(span.text)])
        cosines = self._cosines(answer)
        return [
            Support(*self.coverage(span.text), float(cosine))
            for span, cosine in zip(answer, cosines, strict=True)
        ]

    def coverage(self, text: str) -> tuple[float, float]:
        """Share of content words covered, weighted by rarity, and share of word pairs found."""
        found = words(text)
        pairs = set(pairwise(map(stem, found)))
        pair_share = len(pairs & self._pairs) / len(pairs) if pairs else 0.0
        content = [word for word in found if word not in STOPWORDS]
        if not content:
            return 0.0, pair_share
        self._near(content)
        proper = proper_words(text)
        covered = total = 0.0
        for word in content:
            near, rarity = self._nearness[word]
            if stem(word) in self._stems:
                near = 1.0
            elif word[0].isdigit() or word in proper:
                near = 0.0
            covered += near * rarity
            total += rarity
        return covered / total, pair_share

    def _near(self, found: Sequence[str]) -> None:
        """Keep, for each content word, how near its nearest word of the context is, and its rarity."""
        unknown = [
            word
            for word in dict.fromkeys(found)
            if word not in self._nearness and word not in STOPWORDS
        ]
        if not unknown:
            return
        vectors, rarity = self._encoder.words(unknown)
        if len(self._vectors):
            best = (vectors @ self._vectors.T).max(axis=1)
            near = np.clip((best - _SYNONYM_FLOOR) / (1 - _SYNONYM_FLOOR), 0.0, 1.0)
        else:
            near = np.zeros(len(unknown), np.float32)
        self._nearness.update(
            zip(unknown, zip(near.tolist(), rarity.tolist(), strict=True), strict=True)
        )

    def evidence(self, answer: Sequence[Span], max_chars: int) -> str:
        """The context itself while it is short, else its passages nearest to the answer, in order."""
        if len(self._text) <= max_chars or not answer:
            return self._text[:max_chars]
        chosen = self._preselect(answer)
        vectors = self._encoder.encode([span.text for span in answer] + chosen)
        near = (vectors[: len(answer)] @ vectors[len(answer) :].T).max(axis=0)
        wanted = frozenset(content_stems(" ".join(span.text for span in answer)))
        shared = [len(wanted.intersection(content_stems(passage))) for passage in chosen]
        rank = near + np.array(shared) / max(1, *shared)
        kept: set[int] = set()
        held = 0
        for index in map(int, np.argsort(rank)[::-1]):
            if held + len(chosen[index]) <= max_chars:
                kept.add(index)
                held += len(chosen[index]) + 1
        return " ".join(passage for index, passage in enumerate(chosen) if index in kept)

    def texts(self, answer: Sequence[Span]) -> list[str]:
        """What `measure` will embed: many answers' texts in one call are four times as fast."""
        return [span.text for span in answer] + self._preselect(answer)

    def _cosines(self, answer: Sequence[Span]) -> NDArray[np.float64]:
        if not answer or not self._passages:
            return np.zeros(len(answer))
        chosen = self._preselect(answer)
        vectors = self._encoder.encode([span.text for span in answer] + chosen)
        similarity = vectors[: len(answer)] @ vectors[len(answer) :].T
        best: NDArray[np.float64] = similarity.max(axis=1).astype(np.float64)
        return best.clip(0.0, 1.0)

    def _preselect(self, answer: Sequence[Span]) -> list[str]:
        """The passages worth embedding: all of a short context, the best by shared words of a long."""
        if len(self._passages) <= _MAX_PASSAGES:
            return self._passages
        kept: set[int] = set()
        most = max(1, _MAX_COMPARISONS // len(self._passages))
        for text in list(dict.fromkeys(span.text for span in answer))[:most]:
            stems = frozenset(content_stems(text))
            shared = [len(stems & passage_stems) for passage_stems in self._passage_stems]
            for index in np.argsort(shared)[::-1][:_PASSAGES_PER_SENTENCE]:
                kept.add(int(index))
            if len(kept) >= _MAX_PASSAGES:
                break
        return [self._passages[index] for index in sorted(kept)[:_MAX_PASSAGES]]


def _passages(text: str) -> list[str]:
    """Sentences of the whole context (chunk by chunk: `sentences` reads a bounded text)."""
    step = 30_000
    return [
        span.text
        for start in range(0, len(text), step)
        for span in sentences(text[start : start + step])
    ]
