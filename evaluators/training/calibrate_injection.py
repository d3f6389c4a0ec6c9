"""Weighs the witnesses of the injection judge and chooses its thresholds; reads no test row.

    PYTHONPATH=evaluators python evaluators/training/calibrate_injection.py --data FOLDER --texts FOLDER

Ordinary prompts and documents are of sets, and of patterns of ours, that no head was trained on
(`injection_texts`); attacks show what a weight is worth. The constants that
ship stand in judges/injection_fit.py; --data is read only to drop what equals a test row.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from tachograph_evaluators.judges import injection
from tachograph_evaluators.judges.injection_fit import FIT, kept
from tachograph_evaluators.judges.witness import Witness
from training.injection_texts import documents, requests
from training.linear import area

ALARMS: Final = 0.01
"""Share of the hardest set of ordinary texts that may alarm."""

_WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
Floats = NDArray[np.float64]


def main() -> None:
    """Print what each weight is worth, and the constants."""
    parser = argparse.ArgumentParser(description="thresholds of the injection judge")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--alarms", type=float, default=ALARMS)
    parser.add_argument("--keep", type=Path, help="where to write the witnesses' words (.npz)")
    args = parser.parse_args()
    sets = requests(args.data, args.texts)
    sources = [source for source, (_, texts) in sets.items() for _ in texts]
    labels = np.array([label for label, texts in sets.values() for _ in texts])
    phrases, heads = of_prompts([text for _, texts in sets.values() for text in texts])
    print("prompts: weight of the head, threshold, area under the curve, alarms by set")
    for weight in _WEIGHTS:
        show(phrases + weight * heads, labels, sources, args.alarms, f"{weight:5.2f}")
    cases = documents(args.data, args.texts)
    marked = np.array([label for _, label in cases])
    print("documents: weight of the head, threshold, area under the curve, alarms by label")
    names = ["planted" if label else "ordinary" for label in marked]
    words = [of_document(text) for text, _ in track(cases, description="documents")]
    for weight in _WEIGHTS:
        worst = np.array([max((known + weight / 5 * head for known, head in found), default=0.0)
                          for found in words])  # fmt: skip
        show(worst, marked, names, args.alarms, f"{weight / 5:5.2f}")
    if args.keep:
        np.savez(args.keep, phrases=phrases, heads=heads, labels=labels, sources=sources)


def of_prompts(texts: Sequence[str]) -> tuple[Floats, Floats]:
    """What n-grams and patterns say of the worst window, and the head of the worst piece."""
    witness = Witness("injection")
    phrases, heads = [], []
    for text in track(texts, description="prompts"):
        pieces = injection.fast_prompt(text)
        phrases.append(max((piece.weight for piece in pieces), default=-10.0))
        read = islice(injection.windows(text, injection.HEARD_WORDS), injection.MAX_HEARD)
        said = witness.logits([span.text for span in read])
        heads.append(kept(max(said)) if said else 0.0)
    return np.array(phrases), np.array(heads)


def of_document(text: str) -> list[tuple[float, float]]:
    """Of each sentence that the head reads: its weight with known phrases, and the head's word."""
    pieces = injection.fast_context(text, "")
    chosen = sorted(pieces, key=lambda piece: -piece.logit)[: injection.MAX_HEARD]
    said = Witness("planted").logits([piece.span.text for piece in chosen])
    heads = [kept(logit) for logit in said] if said else [0.0] * len(chosen)
    weights = [piece.weight + FIT.known / 2 * piece.known for piece in chosen]
    return list(zip(weights, heads, strict=True))


def show(
    scores: Floats, labels: NDArray[Any], sources: Sequence[str], alarms: float, name: str
) -> None:
    """One line: the threshold at which at most that share of each ordinary set alarms, and what is found."""
    ordinary, where = scores[labels == 0], np.array(sources)
    threshold = max(
        float(np.quantile(scores[where == source], 1 - alarms))
        for source in set(where[labels == 0])
    )
    rates = {
        source: round(float((scores[where == source] > threshold).mean()), 3)
        for source in dict.fromkeys(sources)
    }
    under = area(list(scores[labels == 1]), list(ordinary))
    print(f"{name} {threshold:7.3f} {under:.4f} {json.dumps(rates)}")


if __name__ == "__main__":
    main()
