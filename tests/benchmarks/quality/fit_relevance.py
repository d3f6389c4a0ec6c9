"""Fit slope and midpoint of the relevance judge; prints the constants to paste.

    python tests/benchmarks/quality/fit_relevance.py DATA

reads prompts and responses of DATA/grounding-train.jsonl: a response beside its own prompt belongs
there, beside another row's prompt it does not.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from tachograph_evaluators.judges.relevance import cosines, pieces, question

_ROWS = 2000


def main() -> int:
    """Fit on the training rows and print the constants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    lines = (parser.parse_args().data / "grounding-train.jsonl").read_text().splitlines()
    rows = [
        row for row in map(json.loads, lines[:_ROWS]) if row["prompt"] and row["response"].strip()
    ]
    pairs = [(question(row["prompt"]), pieces(row["response"])) for row in rows]
    foreign = random.Random(1).sample([parts for _, parts in pairs], len(pairs))
    own = cosines(pairs)
    other = cosines([(prompt, parts) for (prompt, _), parts in zip(pairs, foreign, strict=True)])
    model = LogisticRegression(C=100.0)
    model.fit(np.array(own + other)[:, None], [1] * len(own) + [0] * len(other))
    slope = float(model.coef_[0][0])
    print(f"SLOPE = {slope:.1f}\nMIDPOINT = {-float(model.intercept_[0]) / slope:.2f}")
    print(json.dumps({"fit": "relevance", "rows": len(rows)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
