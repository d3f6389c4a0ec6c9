"""Collect the names that the person and place detectors know.

    python -m venv names && names/bin/pip install faker==40.54.0
    names/bin/python evaluators/training/fit_names.py DATA

Names and places come from the providers of Faker (MIT), Latin script only. Which of them are
ordinary words too is counted in DATA/grounding-train.jsonl (Wikipedia, CC-BY-4.0): a name that
is written in lower case there more than now and then proves nothing where a sentence begins.
Writes `sdk/tachograph_detectors/names.txt.gz`: a line of given names, a line of surnames that
nobody is given, a line of either that are ordinary words too, places that are no names, words.
"""

import argparse
import gzip
import importlib
import json
import pkgutil
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

OUT = Path(__file__).parents[2] / "sdk" / "tachograph_detectors" / "names.txt.gz"
_WORD = re.compile(r"[^\W\d_]+")
_USUAL = 0.35  # share of lower-case writings from which a name counts as a word
_MIN_WORD_COUNT = 3
_SHORTEST = 3  # "Al" and "Bo" are found with a surname, and are words in most languages


def main() -> None:
    """Write the lists."""
    parser = argparse.ArgumentParser(description="names and places for tachograph_detectors")
    parser.add_argument("data", type=Path, help="folder with grounding-train.jsonl")
    folder = parser.parse_args().data
    given = parts(texts("person", ("first_name", "given")))
    names = given | parts(texts("person", ("last_name",)))
    places = {
        text
        for text in texts("address", ("cities", "city_name", "countries"))
        if len(text) > _SHORTEST and text[0].isupper() and not any(map(str.isdigit, text))
    }
    lower, upper = counts(folder)
    ambiguous = {
        name
        for name in names
        if lower[name.lower()] >= _MIN_WORD_COUNT
        and lower[name.lower()] > _USUAL * (upper[name] + lower[name.lower()])
    }
    words = {
        word
        for word, count in lower.items()
        if count >= _MIN_WORD_COUNT and len(word) >= _SHORTEST and word.isascii()
    }
    lines = (
        given - ambiguous,
        names - given - ambiguous,
        ambiguous,
        places - names,
        words,
    )
    content = "\n".join("|".join(sorted(line)) for line in lines).encode()
    OUT.write_bytes(gzip.compress(content, 9, mtime=0))
    kinds = ("given", "surnames", "ambiguous", "places", "words")
    sizes = dict(zip(kinds, map(len, lines), strict=True))
    print(json.dumps(sizes | {"bytes": OUT.stat().st_size}))


def parts(found: Iterator[str]) -> set[str]:
    """The single words of names, those that can be told from initials."""
    return {
        part
        for text in found
        for part in text.replace("’", "'").split()
        if len(part) >= _SHORTEST and part[0].isupper() and part.isalpha()
    }


def texts(kind: str, prefixes: tuple[str, ...]) -> Iterator[str]:
    """Every text of a provider's lists of that kind, all locales."""
    package = importlib.import_module(f"faker.providers.{kind}")  # only where it is fitted
    for module in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"{package.__name__}.{module.name}").Provider
        for name, value in vars(provider).items():
            if not name.startswith(prefixes) or not isinstance(value, tuple | list | dict | set):
                continue
            for text in value:
                if isinstance(text, str) and is_latin(text):
                    yield unicodedata.normalize("NFC", text)


def is_latin(text: str) -> bool:
    """Whether every letter is of the Latin script."""
    return all(not c.isalpha() or "LATIN" in unicodedata.name(c, "") for c in text)


def counts(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """How often each word is written in lower case, and with a capital inside a sentence."""
    lower: Counter[str] = Counter()
    upper: Counter[str] = Counter()
    seen: set[str] = set()
    for line in (folder / "grounding-train.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        text = f"{row['context']} {row['response']}"
        if text in seen:
            continue
        seen.add(text)
        for match in _WORD.finditer(text):
            word = match.group()
            if word.islower():
                lower[word] += 1
            elif match.start() > 1 and text[match.start() - 2] not in ".!?\n":
                upper[word] += 1
    return lower, upper


if __name__ == "__main__":
    main()
