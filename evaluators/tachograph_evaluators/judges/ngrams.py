"""A linear model on hashed n-grams: words, word pairs and pieces of words, in one small file.

Feature hashing (Weinberger et al. 2009) with CRC-32, counts dampened and vectors of unit length;
weights are 8-bit integers with one scale. A file is JSON with its own SHA-256: nothing in it runs.
"""

import base64
import hashlib
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_CHARS: Final = 4000
"""What is read of one piece of text."""

_WORD: Final = re.compile(r"[^\W_]+|[!?:<>\[\]{}#|=]")
_PIECE: Final = 4


class DamagedHead(RuntimeError):
    """A head's file is not what was written; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Weights by hashed feature, and the intercept."""

    weights: NDArray[np.int8]
    scale: float
    bias: float

    def logit(self, text: str) -> float:
        """Log-odds of yes."""
        (found,) = logits([self], text)
        return found

    def packed(self) -> str:
        """The file's content."""
        content = self.weights.tobytes()
        document = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "scale": self.scale,
            "bias": self.bias,
            "weights": base64.b85encode(zlib.compress(content, 9)).decode("ascii"),
        }
        return json.dumps(document)


def logits(heads: Sequence[LinearHead], text: str) -> list[float]:
    """Log-odds of yes by several heads of one size; the features are hashed once."""
    found = features(text, len(heads[0].weights))
    indexes = np.fromiter(found.keys(), np.int64, len(found))
    values = np.fromiter(found.values(), np.float64, len(found))
    return [
        float(head.weights[indexes].astype(np.float64) @ values) * head.scale + head.bias
        for head in heads
    ]


def features(text: str, size: int) -> dict[int, float]:
    """The hashed features of a text: a vector of unit length, by index."""
    words = [match.group().lower() for match in _WORD.finditer(text[:MAX_CHARS])]
    counts: Counter[int] = Counter()
    for word in words:
        counts[_index(f"w {word}", size)] += 1
        framed = f"^{word}$"
        if len(framed) > _PIECE:
            for start in range(len(framed) - _PIECE + 1):
                counts[_index(f"c {framed[start : start + _PIECE]}", size)] += 1
    for left, right in pairwise(words):
        counts[_index(f"b {left} {right}", size)] += 1
    dampened = {index: 1.0 + math.log(count) for index, count in counts.items()}
    norm = math.sqrt(sum(value * value for value in dampened.values()))
    return {index: value / norm for index, value in dampened.items()}


def _index(feature: str, size: int) -> int:
    return zlib.crc32(feature.encode("utf-8", "replace")) % size


@cache
def load(name: str) -> LinearHead:
    """The head in package data `name`. Raises DamagedHead."""
    try:
        text = files("tachograph_evaluators.judges").joinpath(name).read_text(encoding="utf-8")
        return parse(json.loads(text))
    except (OSError, ValueError, KeyError, zlib.error) as error:
        raise DamagedHead(f"{name} cannot be used ({error}); install tachograph again") from error


def parse(document: dict[str, Any]) -> LinearHead:
    """The head of a file's content. Raises ValueError where the SHA-256 differs."""
    content = zlib.decompress(base64.b85decode(document["weights"]))
    if hashlib.sha256(content).hexdigest() != document["sha256"]:
        raise ValueError("its SHA-256 differs")
    weights = np.frombuffer(content, np.int8)
    return LinearHead(weights, float(document["scale"]), float(document["bias"]))
