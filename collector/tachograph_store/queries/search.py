"""What people type to search prompts and answers, and what of it the index is asked.

    refund invoice      both words, anywhere in prompt or answer, whole, in any case
    "refund the order"  these words one after the other, whatever stands between them but words
    *fund*              the letters `fund`, inside words too

Words are runs of letters and digits. In scripts that put no spaces between words each sign is one,
and what is typed without a space is looked for as a phrase.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tachograph_store.errors import QueryRefused

MAX_PHRASES = 3
MIN_PART_CHARS = 3
_PIECE = re.compile(r'"([^"]*)"?|(\S+)')
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_WORD = re.compile(r"[^\W_]")


class BadSearch(QueryRefused):
    """What was typed is no search that can be asked; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Search:
    """All of these must hold for one request; an empty search holds for every one."""

    words: str = ""
    phrases: tuple[str, ...] = ()
    part: str = ""  # letters that may stand inside words

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.words or self.phrases or self.part)

    def parameters(self) -> Mapping[str, str]:
        """Server-side parameters of the `.sql` files that search."""
        phrases = [*self.phrases, *[""] * MAX_PHRASES]
        pattern = re.sub(r"([\\%_])", r"\\\1", self.part)
        return {
            "words": self.words,
            "part": f"%{pattern}%" if pattern else "",
            **{f"phrase_{number + 1}": phrases[number] for number in range(MAX_PHRASES)},
        }


def parse_search(typed: str) -> Search:
    """The search that a person typed.

    Raises:
        BadSearch: signs without a letter or digit, more phrases or parts than can be asked at
            once, or a part of a word too short to narrow anything.
    """
    words: list[str] = []
    phrases: list[str] = []
    parts: list[str] = []
    for piece in _PIECE.finditer(typed):
        phrase, word = piece.group(1), piece.group(2)
        if phrase is not None:
            phrases += [phrase] if _WORD.search(phrase) else []
        elif len(word) > 1 and word.startswith("*"):
            parts.append(word.strip("*"))
        elif _UNSPACED.search(word):
            phrases.append(word)
        elif _WORD.search(word):
            words.append(word)
    if len(phrases) > MAX_PHRASES:
        raise BadSearch(f"search: at most {MAX_PHRASES} phrases; leave out some quotes")
    if len(parts) > 1:
        raise BadSearch("search: at most one *part* of a word; write the others whole")
    if parts and len(parts[0]) < MIN_PART_CHARS:
        raise BadSearch(f"search: a *part* has at least {MIN_PART_CHARS} letters")
    found = Search(" ".join(words), tuple(phrases), parts[0] if parts else "")
    if typed.strip() and found.is_empty:
        raise BadSearch("search: no letter or digit to look for; write a word of the text")
    return found
