"""Sentences that were never written before: a small grammar over a large vocabulary.

Words are drawn by rank as in natural text (Zipf), sentences from thousands of shapes, and the
stream has the rare words of real traffic: names, amounts, dates, order numbers. No sentence comes
twice, so nothing but the language itself can be compressed. `spans.py` prints how far zstd
gets, beside the figures that it reaches on real English.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from tests.benchmarks.ingest import vocabulary as v

_DRAWN = 1 << 14
_SHAPES = 6000
_NAMES = 12_000
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_OF_VOWELS = frozenset("aeiou")
_MONTH_DAYS = 28

# A shape is a sequence of slots. Words in lower case stand for themselves; the rest name a class.
_CLAUSES: Final = (
    "NP VERB NP", "NP VERB NP PP", "NP AUX BASE NP", "NP AUX BASE NP PP", "NP ADVERB VERB NP",
    "NP VERB PP", "NP VERB PP PP", "NP was ADJECTIVE PP", "NP is ADVERB ADJECTIVE",
    "NP VERB that NP VERB NP", "there was NP PP", "NP , which VERB NP , VERB PP",
    "NP AUX ADVERB BASE NP PP", "ING NP VERB NP", "NP VERB to BASE NP", "NP VERB NP to BASE NP",
    "NP costs NUMBER UNIT", "NP took NUMBER UNIT PP", "NP VERB on DAY", "NAME VERB NP",
    "NAME and NAME VERB NP PP", "NP of NAME VERB NP", "CODE VERB NP", "NP ( CODE ) AUX BASE PP",
)  # fmt: skip
_PHRASES: Final[dict[str, Sequence[str]]] = {
    "NP": (
        "DET NOUN", "DET ADJECTIVE NOUN", "DET NOUN NOUN", "PRONOUN", "PLURAL", "ADJECTIVE PLURAL",
        "DET NOUN of DET NOUN", "NUMBER PLURAL", "NAME", "DET ADJECTIVE ADJECTIVE NOUN",
        "DET NOUN of ADJECTIVE PLURAL", "DET NOUN",
    ),
    "PP": (
        "PREP NP", "PREP DET NOUN", "in PLACE", "on DAY", "PREP ADJECTIVE PLURAL",
        "for NUMBER UNIT", "of DET NOUN",
    ),
}  # fmt: skip
_OPENINGS: Final = ("", "", "", "", "", "ADVERB ,", "PP ,", "However ,", "For example ,", "Then")
_CLOSE_UP: Final = ((" ,", ","), ("( ", "("), (" )", ")"))


class Prose:
    """An endless source of sentences; the same seed gives the same text."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        names = [self._name() for _ in range(_NAMES)]
        nouns = [*v.NOUNS, *(f"{a}-{b}" for a, b in zip(v.NOUNS[40:], v.NOUNS[90:], strict=False))]
        draws: dict[str, Callable[[], Iterator[str]]] = {
            "NOUN": self._by_rank(nouns),
            "PLURAL": self._by_rank([_plural(noun) for noun in nouns]),
            "VERB": self._by_rank([form for verb in v.VERBS for form in (_past(verb), _s(verb))]),
            "BASE": self._by_rank(v.VERBS),
            "ING": self._by_rank([_ing(verb) for verb in v.VERBS]),
            "ADJECTIVE": self._by_rank(v.ADJECTIVES),
            "ADVERB": self._by_rank(v.ADVERBS),
            "PREP": self._by_rank(v.PREPOSITIONS),
            "DET": self._evenly(v.DETERMINERS),
            "PRONOUN": self._evenly(v.PRONOUNS),
            "AUX": self._evenly(v.AUXILIARIES),
            "UNIT": self._evenly(v.UNITS),
            "NAME": self._by_rank(names),
            "PLACE": self._by_rank(names[::-1]),
            "NUMBER": self._made(self._number),
            "DAY": self._made(self._day),
            "CODE": self._made(self._code),
        }
        self._words = {name: _endless(draw) for name, draw in draws.items()}
        self._shapes = [self._shape() for _ in range(_SHAPES)]
        self._said: dict[str, None] = {}  # in order, each once

    def text(self, size_bytes: int) -> str:
        """Whole sentences of at least that many characters (all ASCII, so bytes)."""
        sentences: list[str] = []
        size = 0
        while size < size_bytes:
            sentence = self._sentence()
            sentences.append(sentence)
            size += len(sentence) + 1
        return " ".join(sentences)

    def written(self) -> str:
        """Everything said so far."""
        return " ".join(self._said)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return self._random.randint(low, high)

    def chosen(self, choices: Sequence[str]) -> str:
        """One of the choices; the first ones more often."""
        return choices[int(len(choices) * self._random.random() ** 2)]

    def digits(self, count: int) -> str:
        """Hexadecimal digits."""
        return f"{self._random.getrandbits(4 * count):0{count}x}"

    def _sentence(self) -> str:
        words = self._words
        while True:
            text = " ".join(
                [
                    next(words[slot]) if slot in words else slot
                    for slot in self._random.choice(self._shapes)
                ]
            )
            for apart, together in _CLOSE_UP:
                text = text.replace(apart, together)
            if text not in self._said:
                self._said[text] = None
                return f"{text[0].upper()}{text[1:]}{'?' if self._random.random() < 0.06 else '.'}"

    def _shape(self) -> tuple[str, ...]:
        choice = self._random.choice
        shape = f"{choice(_OPENINGS)} {choice(_CLAUSES)}"
        while self._random.random() < 0.35:
            shape += f" , {choice(v.CONJUNCTIONS)} {choice(_CLAUSES)}"
        slots: list[str] = []
        pending = shape.split()[::-1]
        while pending:
            slot = pending.pop()
            if slot in _PHRASES:
                pending.extend(choice(_PHRASES[slot]).split()[::-1])
            else:
                slots.append(slot)
        return tuple(slots)

    def _by_rank(self, words: Sequence[str]) -> Callable[[], Iterator[str]]:
        weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
        return lambda: iter(self._random.choices(words, cum_weights=weights, k=_DRAWN))

    def _evenly(self, words: Sequence[str]) -> Callable[[], Iterator[str]]:
        return lambda: iter(self._random.choices(words, k=_DRAWN))

    def _made(self, make: Callable[[], str]) -> Callable[[], Iterator[str]]:
        return lambda: (make() for _ in range(_DRAWN))

    def _name(self) -> str:
        pick = self._random.choice
        syllables = [pick(v.ONSETS) + pick(v.VOWELS) for _ in range(self._random.randint(1, 2))]
        return ("".join(syllables) + pick(v.CODAS)).capitalize()

    def _number(self) -> str:
        value = int(10 ** (self._random.random() * 5))
        return f"{value}.{self._random.randint(1, 9)}" if value % 7 == 0 else str(value)

    def _day(self) -> str:
        day = self._random.randint(1, _MONTH_DAYS)
        year = self._random.randint(1990, 2026)
        return f"{day} {self._random.choice(v.MONTHS)} {year}"

    def _code(self) -> str:
        pick = self._random.choice
        return f"{pick(_LETTERS)}{pick(_LETTERS)}-{self._random.randint(1000, 999_999)}"


def _endless(draw: Callable[[], Iterator[str]]) -> Iterator[str]:
    while True:
        yield from draw()


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in _OF_VOWELS:
        return noun[:-1] + "ies"
    return noun + "s"


def _s(verb: str) -> str:
    return _plural(verb)


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in _OF_VOWELS:
        return verb[:-1] + "ied"
    return verb + "ed"


def _ing(verb: str) -> str:
    return (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb) + "ing"
