"""Fit the three weights of the grounding judge; prints the constants to paste.

    python tests/benchmarks/quality/fit_grounding.py DATA

reads DATA/grounding-train.jsonl (rows `context, response, label`, label 1 = not supported) only.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from tachograph_evaluators.judges.grounding import answer_support
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.support import Context
from tachograph_evaluators.judges.text import sentences


def main() -> int:
    """Fit on the training rows and print the constants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    lines = (arguments.data / "grounding-train.jsonl").read_text().splitlines()
    features, supported = [], []
    for row in map(json.loads, lines):
        parts = sentences(row["response"])
        if not parts:
            continue
        context = Context(row["context"], encoder())
        features.append(answer_support(context, row["response"], context.measure(parts)))
        supported.append(1 - row["label"])
    model = LogisticRegression(C=1.0, max_iter=1000, class_weight="balanced")
    model.fit(np.array(features), np.array(supported))
    weights = ", ".join(f"{weight:.2f}" for weight in model.coef_[0])
    print(f"WEIGHTS = Support({weights})\nINTERCEPT = {model.intercept_[0]:.2f}")
    print(json.dumps({"fit": "grounding", "rows": len(features)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
