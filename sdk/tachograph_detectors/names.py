"""Names that people and places bear, from a list shipped beside this file.

`names.txt.gz` is made by `evaluators/training/fit_names.py` from the providers of Faker (MIT):
Latin script, some seventy countries.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_FILE: Final = "names.txt.gz"


@dataclass(frozen=True, slots=True)
class Names:
    """What is known, as written with a capital."""

    given: frozenset[str]
    """First names that are no ordinary English words."""
    surnames: frozenset[str]
    """Surnames that are neither first names nor words."""
    ambiguous: frozenset[str]
    """Names that are ordinary words too: Will, Young, Rose."""
    places: frozenset[str]
    """Cities and countries, of one or several words, that nobody is called."""
    words: frozenset[str]
    """Ordinary English words, lower case."""


@cache
def names() -> Names:
    """The lists, read once a process (70 ms, 10 MB) and only where somebody looks for names."""
    content = gzip.decompress((files("tachograph_detectors") / _FILE).read_bytes())
    return Names(*(frozenset(line.split("|")) for line in content.decode("utf-8").split("\n")))
