"""The measured quality of the evaluators: what `make bench-quality` wrote, shipped as data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

FILE: Final = "quality.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One evaluator on one labelled set; `low` and `high` bound a 95 % bootstrap interval."""

    set_name: str
    rows: int
    measure: str  # "AUROC" or "F1"
    value: float
    low: float | None
    high: float | None
    baseline: float | None  # word overlap, length, …: the best of the same run
    baseline_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures of one evaluator, and the version that they are of."""

    version: str
    figures: Sequence[Figure]


@cache
def measured() -> Mapping[str, Measured]:
    """By evaluator name; empty when nothing was measured."""
    file = files("tachograph_evaluators").joinpath(FILE)
    if not file.is_file():
        return {}
    return parse(json.loads(file.read_text(encoding="utf-8")))


def parse(document: Mapping[str, Any]) -> Mapping[str, Measured]:
    """The evaluators of a quality file."""
    return {
        name: Measured(
            version=str(entry["version"]),
            figures=[Figure(**figure) for figure in entry["figures"]],
        )
        for name, entry in document["evaluators"].items()
    }


def path() -> Path:
    """Where the file lies in a checkout."""
    return Path(__file__).with_name(FILE)
