"""Chooses the thresholds of the toxicity judge; reads no test row.

    PYTHONPATH=evaluators python evaluators/training/calibrate_toxicity.py

Judges the harmless texts of calibration/mentions.jsonl, which were written one by one for this and
of which nothing has learned: mentions of groups of people, strong words, answers on sensitive
subjects. The threshold is the next tenth above all mentions and answers; strong words may alarm. The
constants that ship stand in judges/toxicity_fit.py. Takes a minute.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tachograph_evaluators.judges.toxicity import Toxicity, pieces_of
from tachograph_evaluators.judges.toxicity_fit import FIT
from tachograph_evaluators.judges.witness import Witness
from training.linear import rows_of

TEXTS: Final = Path(__file__).parent / "calibration" / "mentions.jsonl"
SILENT: Final = ("mention", "answer")
"""Kinds of harmless texts of which none may alarm."""

Floats = NDArray[np.float64]


def main() -> None:
    """Print thresholds, and the alarms of each kind at them; the last line is JSON."""
    argparse.ArgumentParser(description="thresholds of the toxicity judge").parse_args()
    rows = rows_of(TEXTS)
    kinds = np.array([row["kind"].partition("-")[0] for row in rows])
    texts = [row["text"] for row in rows]
    Toxicity().warm_up()
    found: dict[str, float] = {}
    for name, shipped, logits in (
        ("threshold_of_ngrams", FIT.threshold_of_ngrams, by_ngrams(texts)),
        ("threshold_of_head", FIT.threshold_of_head, by_head(texts)),
    ):
        weights = logits + shipped
        found[name] = math.ceil(10 * float(weights[np.isin(kinds, SILENT)].max())) / 10
        for threshold in (shipped, found[name]):
            alarms = {
                kind: round(float((weights[kinds == kind] > threshold).mean()), 3)
                for kind in dict.fromkeys(kinds)
            }
            print(f"{name} {threshold:.2f}: alarms {json.dumps(alarms)}")
    print(json.dumps({"texts": len(texts), **found}))


def by_ngrams(texts: list[str]) -> Floats:
    """Log-odds of the worst piece without the trained head."""
    return np.array([max(piece.logit for piece in pieces_of(text)) for text in texts])


def by_head(texts: list[str]) -> Floats:
    """Log-odds of the worst piece that the trained head has read."""
    pieces = [piece for text in texts for piece in pieces_of(text)]
    owners = [number for number, text in enumerate(texts) for _ in pieces_of(text)]
    said = Witness("toxicity").logits([piece.text for piece in pieces])
    if said is None:
        raise SystemExit("the head is not installed: pip install tachograph-weights")
    found = np.full(len(texts), -np.inf)
    heard = [FIT.heard(piece.obscene, word) for piece, word in zip(pieces, said, strict=True)]
    np.maximum.at(found, np.array(owners), np.array(heard))
    return found


if __name__ == "__main__":
    main()
