"""Weighs the witnesses of the injection judge and chooses its thresholds; judges no test row.

    PYTHONPATH=evaluators python evaluators/training/calibrate_injection.py --data FOLDER --texts FOLDER

Nothing judged here was trained on (`injection_texts`). Ordinary requests are of three kinds, of
which traffic holds unequal shares (KINDS); at the threshold ALARMS of them alarm. The constants that
ship stand in judges/injection_fit.py; --data is read only to drop what equals a test row. Takes
about ten minutes of one core.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
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

ALARMS: Final = 0.02
"""Share of ordinary requests that may alarm."""

KINDS: Final[Mapping[str, tuple[float, tuple[str, ...]]]] = {
    "words of attacks": (2.0, ("notinject_three",)),
    "shapes of attacks": (1.0, ("wildguard",)),
    "others": (
        2.0,
        (
            "role_play",
            "gpteacher",
            "cyberseceval_frr",
            "arena_hard",
            "xstest",
            "our ordinary prompts",
            "written requests",
        ),
    ),
}
"""Ordinary requests: how much each kind counts beside the others, and its sets."""

_WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
_DOCUMENT_WEIGHTS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
Floats = NDArray[np.float64]


def main() -> None:
    """Print what each weight is worth, and the constants."""
    parser = argparse.ArgumentParser(description="thresholds of the injection judge")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--alarms", type=float, default=ALARMS)
    parser.add_argument("--only", choices=("prompts", "documents"))
    args = parser.parse_args()
    if args.only != "documents":
        weigh_prompts(requests(args.data, args.texts), args.alarms)
    if args.only != "prompts":
        weigh_documents(documents(args.data, args.texts), args.alarms)


def weigh_prompts(sets: Mapping[str, tuple[int, list[str]]], alarms: float) -> None:
    """What each weight of the head is worth in requests."""
    sources = [source for source, (_, texts) in sets.items() for _ in texts]
    labels = np.array([label for label, texts in sets.values() for _ in texts])
    phrases, heads = of_prompts([text for _, texts in sets.values() for text in texts])
    print("prompts: weight of the head, threshold, area under the curve, alarms by set")
    for weight in _WEIGHTS:
        show(phrases + weight * heads, labels, sources, alarms, f"{weight:5.2f}")


def weigh_documents(cases: Sequence[tuple[str, int]], alarms: float) -> None:
    """The same of the head that reads documents."""
    labels = np.array([label for _, label in cases])
    names = ["planted" if label else "ordinary" for label in labels]
    words = [of_document(text) for text, _ in track(cases, description="documents")]
    print("documents: weight of the head, threshold, area under the curve, alarms by label")
    for weight in _DOCUMENT_WEIGHTS:
        worst = np.array([max((known + weight * head for known, head in found), default=0.0)
                          for found in words])  # fmt: skip
        show(worst, labels, names, alarms, f"{weight:5.2f}")


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
    """One line: the threshold at which that share of what is ordinary alarms, and what is found."""
    where = np.array(sources)
    threshold = weighted_quantile(scores[labels == 0], shares(where[labels == 0]), alarms)
    rates = {
        source: round(float((scores[where == source] > threshold).mean()), 3)
        for source in dict.fromkeys(sources)
    }
    under = area(list(scores[labels == 1]), list(scores[labels == 0]))
    print(f"{name} {threshold:7.3f} {under:.4f} {json.dumps(rates)}")


def shares(sources: NDArray[Any]) -> Floats:
    """What each ordinary text counts: its kind's share over the kind's texts, 1 outside all kinds."""
    found = np.ones(len(sources))
    for share, sets in KINDS.values():
        inside = np.isin(sources, sets)
        found[inside] = share / max(1, int(inside.sum()))
    return found


def weighted_quantile(scores: Floats, weights: Floats, share: float) -> float:
    """The highest score beyond which lies no more than that share of the weights, and itself not."""
    order = np.argsort(-scores)
    beyond = np.cumsum(weights[order]) / weights.sum()
    return float(scores[order][np.searchsorted(beyond, share)])


if __name__ == "__main__":
    main()
