"""Drops training texts that equal, nearly equal or contain a test text."""

import re
from collections import Counter
from collections.abc import Iterable

_SHINGLE = 4


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    size = min(_SHINGLE, len(words))
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)} if size else set()


class LeakCheck:
    """Knows the texts of a test; short texts by their words, long ones by runs of four words."""

    def __init__(self, texts: Iterable[str], share: float = 0.5) -> None:
        self._share = share
        self._same: set[tuple[str, ...]] = set()
        self._by_shingle: dict[tuple[str, ...], list[int]] = {}
        self._sizes: list[int] = []
        for text in texts:
            words = _words(text)
            found = _shingles(words)
            self._same.add(tuple(sorted(set(words))))
            for shingle in found:
                self._by_shingle.setdefault(shingle, []).append(len(self._sizes))
            self._sizes.append(len(found))

    def leaks(self, text: str) -> bool:
        """Whether half of the shorter one's runs of words stand in the other."""
        words = _words(text)
        if tuple(sorted(set(words))) in self._same:
            return True
        found = _shingles(words)
        hits = Counter(row for shingle in found for row in self._by_shingle.get(shingle, ()))
        return any(
            count >= self._share * min(len(found), self._sizes[row]) and count > 1
            for row, count in hits.items()
        )
