"""Fits the fast head of the injection judge: hashed n-grams, logistic regression.

    PYTHONPATH=evaluators python evaluators/training/fit_injection.py --data FOLDER --texts FOLDER

--texts is what prepare_texts.py gathered (attacks, prompts, passages), --data holds
injection.jsonl, read to drop what leaks and to print figures. Attack sets named by --hold-out
(and sets that share jailbreaks with the test rows, always) are left out: with a test source held
out its figure is source-disjoint. Writes judges/injection_ngrams.json unless --dry.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

from tachograph_evaluators.judges.ngrams import LinearHead
from training.injection_examples import JAILBREAK_SETS, of_people
from training.injection_prompts import PromptWriter
from training.injection_texts import HELD_OUT, prose_of
from training.innocents import InnocentWriter
from training.leaks import LeakCheck
from training.linear import area, fit, rows_of
from training.takeovers import TakeoverWriter
from training.written import written

OUT = Path(__file__).parents[1] / "tachograph_evaluators" / "judges" / "injection_ngrams.json"
WINDOW_WORDS = 60
A_SET = 1200
WRITTEN = 5000
OWN = 2000
TIMES = 3  # that each text written one by one counts


def main() -> None:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description="fast head of the injection judge")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--hold-out", default=",".join(HELD_OUT), help="attack sets left out")
    parser.add_argument("--strength", type=float, default=6.0, help="C of the regression")
    parser.add_argument("--dry", action="store_true", help="only print figures")
    args = parser.parse_args()
    test = rows_of(args.data / "injection.jsonl")
    held = tuple(filter(None, args.hold_out.split(",")))
    texts, labels = training_texts(args.texts, test, (*JAILBREAK_SETS, *held))
    head = fit(texts, labels, args.strength)
    figures = report(head, test)
    print(json.dumps({"texts": len(texts), "attacks": int(sum(labels)), **figures}))
    if not args.dry:
        OUT.write_text(head.packed(), encoding="utf-8")


def training_texts(
    folder: Path, test: list[dict[str, Any]], left_out: tuple[str, ...]
) -> tuple[list[str], list[int]]:
    """Pieces of attacks and of ordinary text, none of which stands in a test row."""
    draw = random.Random(1)
    check = LeakCheck([row["prompt"] for row in test] + [row["context"] for row in test])
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
    attacks += [writer.order(harmless=draw.random() < 0.3) for _ in range(WRITTEN)]
    prompts = [row["text"] for row in rows_of(folder / "prompts.jsonl")]
    ordinary = [piece for text in draw.sample(prompts, min(4000, len(prompts)))
                for piece in windows(text)[:2]]  # fmt: skip
    ordinary += [writer.ordinary() for _ in range(WRITTEN)] + draw.sample(prose, 4000)
    takeovers, innocents = TakeoverWriter(21), InnocentWriter(22, prose_of(folder))
    attacks += [piece for _ in range(OWN) for piece in windows(takeovers.write())[:3]]
    ordinary += [piece for _ in range(OWN) for piece in windows(innocents.write())[:3]]
    ordinary += [piece for text in of_people(folder) for piece in windows(text)[:3]]
    attacks = [text for text in dict.fromkeys(attacks) if not check.leaks(text)]
    ordinary = [text for text in dict.fromkeys(ordinary) if not check.leaks(text)]
    for one in written():
        if one.template == "injection" and not one.is_kept_back and not check.leaks(one.text):
            (attacks if one.label else ordinary).extend(windows(one.text) * TIMES)
    return attacks + ordinary, [1] * len(attacks) + [0] * len(ordinary)


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
