"""The labelled sets: read, checked, and held against what was trained on."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SETS: Final = (
    "grounding", "hallucination_nocontext", "toxicity", "injection", "coherence", "pii", "bias",
)  # fmt: skip

HOW_TO_GET: Final = """\
bench-quality needs labelled answers, which the project does not ship: {missing} missing.
Give a folder:  make bench-quality DATA=folder
with one file a set, NAME.jsonl, of rows {{"id", "prompt", "context", "response", "label", "source"}}.
docs/evaluators.md ("Labelled sets") says which public sets ours are drawn from, under which licence,
and what label 1 means in each. NAME-train.jsonl beside them is checked for leaks.
"""

_SHINGLE_WORDS: Final = 8
_SHARED: Final = 0.8  # of the shingles of a text: then it is the same text
_WORD = re.compile(r"\w+")

Row = dict[str, Any]


class MissingData(FileNotFoundError):
    """The folder lacks sets; the text says how to get them."""


@dataclass(frozen=True, slots=True)
class Data:
    """Test rows by set, and how many of each were left out since they were trained on."""

    rows: Mapping[str, Sequence[Row]]
    leaked: Mapping[str, int]


def read(folder: Path | None) -> Data:
    """Every set of a folder, or of the `quality` folder in it. Raises MissingData."""
    if folder is not None and (folder / "quality").is_dir():
        folder = folder / "quality"
    missing = [name for name in SETS if folder is None or not (folder / f"{name}.jsonl").is_file()]
    if folder is None or missing:
        raise MissingData(HOW_TO_GET.format(missing=", ".join(missing)))
    rows: dict[str, Sequence[Row]] = {}
    leaked: dict[str, int] = {}
    for name in SETS:
        found = _rows(folder / f"{name}.jsonl")
        train = folder / f"{name}-train.jsonl"
        kept = without_leaks(found, _rows(train)) if train.is_file() else found
        rows[name], leaked[name] = kept, len(found) - len(kept)
    return Data(rows, leaked)


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def without_leaks(test: Sequence[Row], train: Sequence[Row]) -> list[Row]:
    """Test rows whose answer is no training row's, word for word or nearly."""
    whole = {_normal(row.get("response")) for row in train}
    shingles = {piece for row in train for piece in _shingles(_normal(row.get("response")))}
    return [row for row in test if not _leaks(_normal(row.get("response")), whole, shingles)]


def _leaks(text: tuple[str, ...], whole: set[tuple[str, ...]], shingles: set[int]) -> bool:
    if text in whole and text:
        return True
    own = _shingles(text)
    return bool(own) and sum(piece in shingles for piece in own) / len(own) >= _SHARED


def _normal(text: str | None) -> tuple[str, ...]:
    return tuple(_WORD.findall((text or "").lower()))


def _shingles(words: tuple[str, ...]) -> set[int]:
    last = len(words) - _SHINGLE_WORDS
    return {hash(words[at : at + _SHINGLE_WORDS]) for at in range(last + 1)}
