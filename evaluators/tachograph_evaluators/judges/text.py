"""Sentences, words and stems of hostile text, in bounded time.

Everything works on characters of the original string, so offsets can be shown beside the answer.
"""

import re
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

MAX_TEXT_CHARS: Final = 40_000
"""What is judged of one text; the rest is not read (an answer of 1 MB costs as much as 40 kB)."""

MAX_SENTENCES: Final = 400
"""Sentences judged of one answer, passages kept of one context after chunking."""

_MAX_SENTENCE_CHARS: Final = 600  # longer runs (tables, code, garbage) are cut into pieces

_BOUNDARY = re.compile(r"(?<=[.!?。！？])[\"')\]]*\s+|\n+")
_WORD = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)?")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Inc|Ltd)|\b[A-Z])\.$")

_STOPWORD_LINES: Final = (
    "a about above after again against all also am an and any are as at be because been before",
    "being below between both but by can could did do does doing down during each few for from",
    "further had has have having he her here hers him his how i if in into is it its itself just",
    "like me more most my no nor not now of off on once one only or other our ours out over own",
    "really s same she should so some such t than that the their them then there these they this",
    "those through to too under until up us very was we well were what when where which while who",
    "whom why will with would yeah yes you your yours oh okay ok im i'm it's don't that's i've",
    "you're they're he's she's there's can't didn't doesn't isn't wasn't",
)
STOPWORDS: Final = frozenset(word for line in _STOPWORD_LINES for word in line.split())


class Span(NamedTuple):
    """A piece of a text: characters [start, stop) and the characters themselves."""

    start: int
    stop: int
    text: str


def sentences(text: str, limit: int = MAX_SENTENCES) -> list[Span]:
    """Split the first `MAX_TEXT_CHARS` into at most `limit` sentences, offsets of the original."""
    text = text[:MAX_TEXT_CHARS]
    pieces: list[Span] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        before = text[max(start, match.start() - 8) : match.start()]
        if "\n" not in match.group() and _ABBREVIATION.search(before):
            continue
        _append(pieces, text, start, match.start())
        start = match.end()
        if len(pieces) >= limit:
            return pieces[:limit]
    _append(pieces, text, start, len(text))
    return pieces[:limit]


def _append(pieces: list[Span], text: str, start: int, stop: int) -> None:
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    while stop - start > _MAX_SENTENCE_CHARS:
        space = text.rfind(" ", start + 1, start + _MAX_SENTENCE_CHARS)
        cut = space if space > start else start + _MAX_SENTENCE_CHARS
        pieces.append(Span(start, cut, text[start:cut]))
        start = cut + 1 if space > start else cut
    if stop > start:
        pieces.append(Span(start, stop, text[start:stop]))


def words(text: str) -> list[str]:
    """Lower-case words and numbers in order."""
    return [match.group().lower() for match in _WORD.finditer(text.replace("\u2019", "'"))]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A light English stem: plurals, -ing, -ed and -ly only, so that different words stay apart."""
    if len(word) <= 3 or not word.isascii():
        return word
    word = word.removesuffix("'s")
    for suffix, keep, replacement in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= keep:
            word = word[: len(word) - len(suffix)] + replacement
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsze":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


_SUFFIXES: Final = (
    ("sses", 2, "ss"),
    ("ies", 2, "y"),
    ("ied", 2, "y"),
    ("ingly", 3, ""),
    ("edly", 3, ""),
    ("ing", 3, ""),
    ("ed", 3, ""),
    ("ly", 3, ""),
    ("ss", 2, "ss"),
    ("us", 2, "us"),
    ("s", 3, ""),
)


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry content: stop words left out."""
    return [stem(word) for word in words(text) if word not in STOPWORDS]


def proper_words(text: str) -> frozenset[str]:
    """Words written with a capital inside a sentence, lower-cased: names, as a rule."""
    return (
        frozenset(
            match.group().lower()
            for span in sentences(text)
            for match in list(_WORD.finditer(span.text))[1:]
            if match.group()[0].isupper()
        )
        - STOPWORDS
    )


def is_readable(text: str) -> bool:
    """Whether a text holds words at all: binary garbage and bare punctuation do not."""
    sample = text[:MAX_TEXT_CHARS]
    if not sample.strip():
        return False
    counts = Counter(sample)
    letters = sum(count for character, count in counts.items() if character.isalnum())
    broken = sum(
        count
        for character, count in counts.items()
        if character == "\ufffd" or (not character.isprintable() and not character.isspace())
    )
    return letters > 0 and broken <= 0.1 * len(sample)
