"""Texts from patterns: `{word}` stands for one of that word's choices, `{Word}` for one with a capital."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Final

_SLOT: Final = re.compile(r"\{(\w+)\}")
_MAX_DEPTH: Final = 8


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text without those that are empty."""
    return tuple(line.strip() for line in text.strip().splitlines() if line.strip())


class Grammar:
    """Writes texts; equal draws write equal texts."""

    def __init__(self, words: Mapping[str, Sequence[str]], draw: random.Random) -> None:
        self._words = words
        self._draw = draw

    def one_of(self, name: str) -> str:
        """A text of the patterns `name`."""
        return self.filled(self._draw.choice(self._words[name]))

    def filled(self, pattern: str) -> str:
        """The pattern with its slots filled, those of what fills them too."""
        text = pattern
        for _ in range(_MAX_DEPTH):
            if not _SLOT.search(text):
                break
            text = _SLOT.sub(self._choice, text)
        return text.replace("\\n", "\n")

    def _choice(self, slot: re.Match[str]) -> str:
        name = slot.group(1)
        if name in self._words:
            return self._draw.choice(self._words[name])
        chosen = self._draw.choice(self._words[name.lower()])
        return chosen[:1].upper() + chosen[1:]
