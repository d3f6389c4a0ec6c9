"""Fits the fast head of the toxicity judge: hashed n-grams, logistic regression.

    PYTHONPATH=evaluators python evaluators/training/fit_toxicity.py --data FOLDER --texts FOLDER

Trained on toxicity-train.jsonl (t-davidson, MIT) and on sentences of our own; toxicity.jsonl is read
to drop what leaks and to print figures: none of HateCheck's functionalities is trained on. Writes
judges/toxicity_ngrams.json unless --dry.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

from tachograph_evaluators.judges.ngrams import LinearHead
from training.leaks import LeakCheck
from training.linear import area, fit, rows_of
from training.toxic_sentences import SentenceWriter

OUT = Path(__file__).parents[1] / "tachograph_evaluators" / "judges" / "toxicity_ngrams.json"
WRITTEN = 20_000
TOXIC_POSTS, CLEAN_POSTS = 4000, 3858


def main() -> None:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description="fast head of the toxicity judge")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--strength", type=float, default=3.0, help="C of the regression")
    parser.add_argument("--dry", action="store_true", help="only print figures")
    args = parser.parse_args()
    test = rows_of(args.data / "toxicity.jsonl")
    texts, labels = training_texts(args.data, args.texts, test)
    head = fit(texts, labels, args.strength)
    print(json.dumps({"texts": len(texts), "toxic": sum(labels), **report(head, test)}))
    if not args.dry:
        OUT.write_text(head.packed(), encoding="utf-8")


def training_texts(
    data: Path, folder: Path, test: list[dict[str, Any]]
) -> tuple[list[str], list[int]]:
    """Posts and sentences of our own, none of which stands in a test row."""
    draw = random.Random(4)
    posts = rows_of(data / "toxicity-train.jsonl")
    toxic = [row["response"] for row in posts if row["label"]]
    clean = [row["response"] for row in posts if not row["label"]]
    passages = [row["text"] for row in rows_of(folder / "passages.jsonl")]
    prose = [s for text in draw.sample(passages, 1500) for s in text.split(". ") if len(s) > 20]
    labelled = [(text, 1) for text in draw.sample(toxic, TOXIC_POSTS)]
    labelled += [(text, 0) for text in clean[:CLEAN_POSTS]]
    labelled += [(text, 0) for text in prose[:4000]]
    labelled += SentenceWriter(5, prose).write(WRITTEN)
    check = LeakCheck([row["response"] for row in test])
    kept = {text: label for text, label in labelled if not check.leaks(text)}
    return list(kept), list(kept.values())


def report(head: LinearHead, test: list[dict[str, Any]]) -> dict[str, float]:
    """Areas under the curve, over all and by source."""
    logits = {row["id"]: head.logit(row["response"]) for row in test}
    found = {}
    for source in ("", *sorted({row["source"] for row in test})):
        chosen = [row for row in test if source in ("", row["source"])]
        toxic = [logits[row["id"]] for row in chosen if row["label"]]
        clean = [logits[row["id"]] for row in chosen if not row["label"]]
        found[source or "all"] = area(toxic, clean)
    return found


if __name__ == "__main__":
    main()
