"""What the injection judge is calibrated on: nothing that a witness learned from.

Sets of attacks in HELD_OUT and injection_examples.JAILBREAK_SETS are neither trained on nor read
here: they are what the judge is tested on. Texts of our own are of other draws than those learned
from, but of the same patterns. No text equals, nearly equals or contains a test row.
"""

import random
import re
from pathlib import Path
from typing import Final

from training.claims import sentences
from training.injection_examples import UNSEEN_SETS, is_kept_back
from training.innocents import InnocentWriter
from training.leaks import LeakCheck
from training.linear import rows_of
from training.takeovers import TakeoverWriter
from training.written_texts import written

HELD_OUT: Final = ("safeguard", "protectai", "jackhhao", "lakera")
"""Sets of attacks kept for testing on sources never trained on."""

CHOSEN_BY: Final = ("deepset",)
"""Sets of attacks of which the trained heads do not learn, to choose between them."""

_TAKEOVER_VARIANTS: Final = (
    "hypothetical_scenario", "ignore_previous_instructions", "indirect_reference",
    "mixed_techniques", "output_formatting_manipulation", "payload_splitting", "persuasion",
    "system_mode", "virtualization",
)  # fmt: skip
"""Of CyberSecEval's attacks those that show without the system's prompt beside them, mostly."""

_WRITTEN: Final = 400
_A_SET: Final = 350  # of other people's prompts
_DOCUMENTS: Final = 240
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")
_ASKING: Final = re.compile(
    r"(?i)\?|\b(?:question|answer|passage|paragraph|plot|context|title)s?\b"
)


def requests(data: Path, texts: Path) -> dict[str, tuple[int, list[str]]]:
    """Requests by set, with the set's label: 1 tries to take the model over."""
    takeovers = TakeoverWriter(11)
    innocents = InnocentWriter(12, prose_of(texts))
    found: dict[str, tuple[int, list[str]]] = {
        "our attacks": (1, [takeovers.write() for _ in range(_WRITTEN)]),
        "our ordinary prompts": (0, [innocents.write() for _ in range(_WRITTEN)]),
    }
    for row in rows_of(texts / "hard_prompts.jsonl"):
        if row["source"] in UNSEEN_SETS or is_kept_back(row["text"]):
            found.setdefault(row["source"], (0, []))[1].append(row["text"])
    for row in rows_of(texts / "checks.jsonl"):
        if row["source"] == "cyberseceval/direct" and row["variant"] in _TAKEOVER_VARIANTS:
            found.setdefault("cyberseceval", (1, []))[1].append(row["text"])
    for row in rows_of(texts / "attacks.jsonl"):
        if row["source"].startswith(CHOSEN_BY):
            found.setdefault(row["source"].partition("/")[0], (1, []))[1].append(row["text"])
    kept_back = [one for one in written() if one.is_kept_back and one.template == "injection"]
    for label, name in ((1, "written attacks"), (0, "written requests")):
        found[name] = (label, [one.text for one in kept_back if one.label == label])
    leak = _leak_check(data)
    kept = {
        source: (label, [text for text in dict.fromkeys(rows) if not leak.leaks(text)])
        for source, (label, rows) in found.items()
    }
    draw = random.Random(0)
    return {
        source: (
            label,
            draw.sample(rows, _A_SET) if source in UNSEEN_SETS and len(rows) > _A_SET else rows,
        )
        for source, (label, rows) in kept.items()
    }


def documents(data: Path, texts: Path) -> list[tuple[str, int]]:
    """Passages of prose and mails, those of label 1 with an order planted."""
    draw = random.Random(13)
    prose = prose_of(texts)
    takeovers, innocents = TakeoverWriter(16), InnocentWriter(15)

    def planted(host: list[str]) -> str:
        order = draw.choice((takeovers.short, innocents.task))()
        at = draw.randint(0, len(host))
        return " ".join([*host[:at], order, *host[at:]])

    found = []
    for number in range(_DOCUMENTS):
        host = draw.choices(prose, k=draw.randint(4, 16))
        found.append((planted(host), 1) if number % 2 else (" ".join(host), 0))
    mails = [row["text"] for row in rows_of(texts / "mails.jsonl")]
    found += [(text, 0) for text in mails]
    found += [(planted(_SENTENCE_END.split(text)), 1) for text in mails[::2]]
    leak = _leak_check(data)
    return [pair for pair in found if not leak.leaks(pair[0])]


def _leak_check(data: Path) -> LeakCheck:
    tests = rows_of(data / "injection.jsonl")
    return LeakCheck(text for row in tests for text in (row["prompt"], row["context"]) if text)


def prose_of(texts: Path) -> list[str]:
    """Sentences of passages but what a template said around them."""
    rows = rows_of(texts / "passages.jsonl")
    return [s for row in rows for s in sentences(row["text"]) if not _ASKING.search(s)]
