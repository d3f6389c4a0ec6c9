"""What the injection judge's thresholds are chosen on: nothing that a witness learned from.

Sets of attacks in HELD_OUT and JAILBREAK_SETS are neither trained on nor read here: they are what
the judge is tested on. No text equals, nearly equals or contains a test row.
"""

import random
import re
from pathlib import Path
from typing import Final

from training.claims import sentences
from training.innocents import InnocentWriter
from training.leaks import LeakCheck
from training.linear import rows_of
from training.takeovers import TakeoverWriter

HELD_OUT: Final = ("safeguard", "protectai", "jackhhao", "lakera")
"""Sets of attacks kept for testing on sources never trained on."""

ORDINARY_SETS: Final = ("xstest", "role_play")
"""Ordinary prompts of other people that are not trained on."""

_WRITTEN: Final = 300
_DOCUMENTS: Final = 240
_ASKING: Final = re.compile(
    r"(?i)\?|\b(?:question|answer|passage|paragraph|plot|context|title)s?\b"
)


def requests(data: Path, texts: Path) -> dict[str, tuple[int, list[str]]]:
    """Requests by set, with the set's label: 1 tries to take the model over."""
    takeovers = TakeoverWriter(11)
    innocents = InnocentWriter(12, _prose(texts))
    found: dict[str, tuple[int, list[str]]] = {
        "our attacks": (1, [takeovers.write() for _ in range(_WRITTEN)]),
        "our ordinary prompts": (0, [innocents.write() for _ in range(_WRITTEN)]),
    }
    for row in rows_of(texts / "hard_prompts.jsonl"):
        if row["source"] in ORDINARY_SETS:
            found.setdefault(row["source"], (0, []))[1].append(row["text"])
    leak = _leak_check(data)
    return {
        source: (label, [text for text in dict.fromkeys(rows) if not leak.leaks(text)])
        for source, (label, rows) in found.items()
    }


def documents(data: Path, texts: Path) -> list[tuple[str, int]]:
    """Passages of prose, every other one with an order planted (label 1)."""
    draw = random.Random(13)
    prose = _prose(texts)
    takeovers, innocents = TakeoverWriter(16), InnocentWriter(15)
    found = []
    for number in range(_DOCUMENTS):
        host = draw.choices(prose, k=draw.randint(4, 16))
        if number % 2:
            order = draw.choice((takeovers.short, innocents.task))()
            host.insert(draw.randint(0, len(host)), order)
        found.append((" ".join(host), number % 2))
    leak = _leak_check(data)
    return [pair for pair in found if not leak.leaks(pair[0])]


def _leak_check(data: Path) -> LeakCheck:
    tests = rows_of(data / "injection.jsonl")
    return LeakCheck(text for row in tests for text in (row["prompt"], row["context"]) if text)


def _prose(texts: Path) -> list[str]:
    """Sentences of passages but what a template said around them."""
    rows = rows_of(texts / "passages.jsonl")
    return [s for row in rows for s in sentences(row["text"]) if not _ASKING.search(s)]
