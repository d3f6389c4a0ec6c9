"""More of the texts that were written one by one: two in one, and in other letters.

What a reader should learn is the wish, wherever it stands and however it is typed.
"""

import random
from collections.abc import Sequence
from typing import Final

from tachograph_evaluators.small_model.weights import HeadName
from training.written_texts import Written

_MAX_WORDS: Final[dict[str, int]] = {"injection": 200, "planted": 150}
_OWN: Final = 0.6  # of the texts before or after are written ones, the others of people or prose
_RETYPED: Final = 0.3
_LOWER, _UPPER = 0.55, 0.65
_BETWEEN: Final = (" ", "\n", "\n\n")


def joined(
    texts: Sequence[Written], others: Sequence[str], template: HeadName, count: int
) -> list[tuple[str, int]]:
    """Up to `count` pairs in one text, every second with an attack in it, and some retyped."""
    draw = random.Random(4)
    own = [one for one in texts if one.template == template and not one.is_kept_back]
    bad = [one.text for one in own if one.label]
    ordinary = [one.text for one in own if not one.label]
    found = []
    for number in range(count):
        label = number % 2
        beside = draw.choice(ordinary if draw.random() < _OWN else others)
        pair = [beside, draw.choice(bad if label else ordinary)]
        if sum(len(text.split()) for text in pair) > _MAX_WORDS[template]:
            continue
        draw.shuffle(pair)
        found.append((draw.choice(_BETWEEN).join(pair), label))
    retyped = [(_retyped(draw, one.text), one.label) for one in own if draw.random() < _RETYPED]
    return found + retyped


def _retyped(draw: random.Random, text: str) -> str:
    drawn = draw.random()
    if drawn < _LOWER:
        return text.lower()
    return text.upper() if drawn < _UPPER else text.replace(".", "").replace(",", "")
