"""Fits the fast heads of the injection judge: hashed n-grams, logistic regression.

    PYTHONPATH=evaluators python evaluators/training/fit_injection.py --data FOLDER --texts FOLDER

--texts is what prepare_texts.py gathered (attacks, prompts, passages), --data holds
injection.jsonl, read to drop what leaks and to print figures. Attack sets named by --hold-out
(and sets that share jailbreaks with the test rows, always) are left out: with a test source held
out its figure is source-disjoint. Writes two files into judges/ unless --dry: injection_ngrams.json
learns what attacks of all kinds have in common, and of the two contests (CONTESTS) only pieces that a
head without them takes for attacks: their mails are mostly ordinary text, which as "attacks" made
ordinary requests alarm. injection_contest_ngrams.json learns those contests whole.
"""

import argparse
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tachograph_evaluators.judges.ngrams import LinearHead
from training.injection_examples import JAILBREAK_SETS, of_people
from training.injection_prompts import PromptWriter
from training.injection_texts import HELD_OUT, prose_of
from training.innocents import InnocentWriter
from training.leaks import LeakCheck
from training.linear import area, fit, rows_of
from training.takeovers import TakeoverWriter
from training.written_texts import written

JUDGES: Final = Path(__file__).parents[1] / "tachograph_evaluators" / "judges"
CONTESTS: Final = ("llmail", "satml")
WINDOW_WORDS: Final = 60
A_SET: Final = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What one head learns of: texts of our two grammars, and how often a written one counts."""

    orders: int
    own: int
    times: int


GENERAL: Final = Mix(orders=1000, own=8000, times=6)
OF_CONTESTS: Final = Mix(orders=5000, own=2000, times=3)


def main() -> None:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description="fast heads of the injection judge")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--hold-out", default=",".join(HELD_OUT), help="attack sets left out")
    parser.add_argument("--strength", type=float, default=6.0, help="C of the regression")
    parser.add_argument("--dry", action="store_true", help="only print figures")
    args = parser.parse_args()
    test = rows_of(args.data / "injection.jsonl")
    held = tuple(filter(None, args.hold_out.split(",")))
    left_out = (*JAILBREAK_SETS, *held)
    heads = {
        "injection_ngrams.json": general(args.texts, test, left_out, args.strength),
        "injection_contest_ngrams.json": fit(
            *training_texts(args.texts, test, left_out, OF_CONTESTS), args.strength
        ),
    }
    for name, head in heads.items():
        print(name, json.dumps(report(head, test)))
        if not args.dry:
            (JUDGES / name).write_text(head.packed(), encoding="utf-8")


def general(
    folder: Path, test: list[dict[str, Any]], left_out: tuple[str, ...], strength: float
) -> LinearHead:
    """The head of attacks of all kinds: of all collected pieces those like other attacks."""
    without = fit(*training_texts(folder, test, (*left_out, *CONTESTS), GENERAL), strength)
    texts, labels = training_texts(folder, test, left_out, replace(GENERAL, times=0))
    pairs = zip(texts, labels, strict=True)
    kept = [pair for pair in pairs if not pair[1] or without.logit(pair[0]) > 0]
    kept += written_pieces(_leak_check(test), GENERAL.times)
    print(json.dumps({"pieces": len(kept), "attacks": sum(label for _, label in kept)}))
    return fit([text for text, _ in kept], [label for _, label in kept], strength)


def written_pieces(check: LeakCheck, times: int) -> list[tuple[str, int]]:
    """Pieces of the requests that were written one by one, and their labels."""
    return [
        (piece, one.label)
        for one in written()
        if one.template == "injection" and not one.is_kept_back and not check.leaks(one.text)
        for piece in windows(one.text)
        for _ in range(times)
    ]


def _leak_check(test: list[dict[str, Any]]) -> LeakCheck:
    return LeakCheck([row["prompt"] for row in test] + [row["context"] for row in test])


def training_texts(
    folder: Path, test: list[dict[str, Any]], left_out: tuple[str, ...], mix: Mix
) -> tuple[list[str], list[int]]:
    """Pieces of attacks and of ordinary text, none of which stands in a test row."""
    draw = random.Random(1)
    check = _leak_check(test)
    by_source: dict[str, list[str]] = {}
    for row in rows_of(folder / "attacks.jsonl"):
        if not row["source"].startswith(left_out):
            by_source.setdefault(row["source"], []).append(row["text"])
    attacks = [
        piece
        for found in by_source.values()
        for text in draw.sample(found, min(A_SET, len(found)))
        for piece in windows(text)[:3]
    ]
    passages = [row["text"] for row in rows_of(folder / "passages.jsonl")]
    prose = [s for text in draw.sample(passages, 1500) for s in text.split(". ") if len(s) > 20]
    writer = PromptWriter(seed=5, prose=prose)
    attacks += [writer.order(harmless=draw.random() < 0.3) for _ in range(mix.orders)]
    prompts = [row["text"] for row in rows_of(folder / "prompts.jsonl")]
    ordinary = [piece for text in draw.sample(prompts, min(4000, len(prompts)))
                for piece in windows(text)[:2]]  # fmt: skip
    ordinary += [writer.ordinary() for _ in range(mix.orders)] + draw.sample(prose, 4000)
    takeovers, innocents = TakeoverWriter(21), InnocentWriter(22, prose_of(folder))
    attacks += [piece for _ in range(mix.own) for piece in windows(takeovers.write())[:3]]
    ordinary += [piece for _ in range(mix.own) for piece in windows(innocents.write())[:3]]
    ordinary += [piece for text in of_people(folder) for piece in windows(text)[:3]]
    attacks = [text for text in dict.fromkeys(attacks) if not check.leaks(text)]
    ordinary = [text for text in dict.fromkeys(ordinary) if not check.leaks(text)]
    own = written_pieces(check, mix.times)
    return (
        [*attacks, *ordinary, *(text for text, _ in own)],
        [1] * len(attacks) + [0] * len(ordinary) + [label for _, label in own],
    )


def windows(text: str) -> list[str]:
    """Pieces of a text, as the judge scores pieces."""
    words = text.split()
    return [
        " ".join(words[start : start + WINDOW_WORDS])
        for start in range(0, len(words), WINDOW_WORDS)
    ]


def report(head: LinearHead, test: list[dict[str, Any]]) -> dict[str, float]:
    """Areas under the curve: prompts by source against all benign prompts."""
    prompts = [row for row in test if not row["context"]]
    logits = {row["id"]: max(map(head.logit, windows(row["prompt"]) or [""])) for row in prompts}
    benign = [logits[row["id"]] for row in prompts if not row["label"]]
    found = {}
    for source in sorted({row["source"] for row in prompts if row["label"]}):
        attacks = [logits[row["id"]] for row in prompts if row["label"] and row["source"] == source]
        found[source] = area(attacks, benign)
    everything = [logits[row["id"]] for row in prompts if row["label"]]
    return {"all": area(everything, benign), **found}


if __name__ == "__main__":
    main()
