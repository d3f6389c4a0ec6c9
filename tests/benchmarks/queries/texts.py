"""Distinct texts made inside the engine: what a word is, and how often it comes.

A text is a run of words drawn independently, so no sentence comes twice. Words come in eight bands
of equal share whose sizes grow fourfold (4, 16, … 65,536 words): the rank-frequency law of natural
language in steps. Short words are frequent and long ones rare, as in any language.
"""

import random

_LARGEST_BAND = 65_536
_LONGEST_WORD = 9
_CONSONANTS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "z",
    "ch",
    "sh",
    "th",
    "tr",
    "st",
    "pl",
    "gr",
    "br",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]


def letters() -> str:
    """The letters that words are cut out of; the same in every run."""
    draw = random.Random(7)
    length = _LARGEST_BAND + _LONGEST_WORD
    syllables = (draw.choice(_CONSONANTS) + draw.choice(_VOWELS) for _ in range(length))
    return "".join(syllables)[:length]


def words_sql(seed: str, count: str) -> str:
    """SQL for a text of `count` words, for queries that define `letters`.

    `seed` is an integer expression of up to 54 bits; `count` one of up to 1,000.
    """
    shift = "bitAnd(draw, 14)"  # 14 for 4 words of 2 letters, … 0 for 65,536 words of 9
    place = f"bitAnd(bitShiftRight(draw, 8), bitShiftRight(toUInt32({_LARGEST_BAND - 1}), {shift}))"
    length = f"{_LONGEST_WORD} - bitShiftRight({shift}, 1)"
    return (
        f"arrayStringConcat(arrayMap(draw -> substring(letters, 1 + {place}, {length}), "
        f"arrayMap(i -> intHash64(({seed}) * 1024 + i), range({count}))), ' ')"
    )


def word(length: int, place: int) -> str:
    """One of the words of `length` letters (2 to 9); there are 4 ** (length - 1) of them."""
    return letters()[place : place + length]
