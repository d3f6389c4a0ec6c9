"""Fit how the witnesses of `grounding` are summed and calibrated; writes grounding_fit.json.

    python evaluators/training/fit_grounding.py DATA [--rows 4000] [--cache FEATURES.npz]

reads DATA/grounding-train.jsonl (rows `context, response, label`, label 1 = not supported) only.
The strong ridge of the fits that ask the small model keeps their weights close together: see
`tachograph_evaluators.judges.grounding_evidence`.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from sklearn.linear_model import LogisticRegression

from tachograph_evaluators.evaluator import Answer
from tachograph_evaluators.judges import grounding_witness
from tachograph_evaluators.judges.grounding import measure, model_case
from tachograph_evaluators.judges.grounding_evidence import FILE

WITNESSES: Final = ("coverage", "pairs", "cosine", "explained", "entailed")
FITS: Final = {
    "light": (("coverage", "pairs", "cosine"), 1.0),
    "likelihood": (("coverage", "explained"), 1e-3),
    "full": (("coverage", "explained", "entailed"), 1e-3),
}
"""Witnesses, and the inverse strength of the ridge."""

SUPPORTED_SHARE: Final = 0.8
"""Of answers, as in traffic: probabilities are calibrated to it, not to the half of labelled sets."""

_BATCH: Final = 16


def main() -> int:
    """Fit on the training rows and write the file that the package ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--cache", type=Path, help="keep what was measured here")
    arguments = parser.parse_args()
    lines = (arguments.data / "grounding-train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["response"].strip()]
    chosen = random.Random(1).sample(rows, min(arguments.rows, len(rows)))
    supported = np.array([1 - row["label"] for row in chosen])
    if arguments.cache is not None and arguments.cache.is_file():
        features = np.load(arguments.cache)["features"]
    else:
        features = features_of(chosen)
        if arguments.cache is not None:
            np.savez(arguments.cache, features=features)
    found = {
        name: fit(features, supported, *of) for name, of in FITS.items() if _known(features, of[0])
    }
    target = Path(grounding_witness.__file__).with_name(FILE)
    document = {"rows": len(chosen), "source": "grounding-train.jsonl", "fits": found}
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"fit": "grounding", **document}))
    return 0


def features_of(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    """One line a row, one column a witness; NaN where it was not asked."""
    entailment = grounding_witness.has_head()
    found = []
    for start in track(range(0, len(rows), _BATCH), description="witnesses"):
        answers = [
            Answer(
                project="", trace_id="", span_id="", span_time=0,
                response=row["response"], context=row["context"],
            )
            for row in rows[start : start + _BATCH]
        ]  # fmt: skip
        heard = grounding_witness.hear([model_case(a) for a in answers], entailment)
        for answer, testimony in zip(answers, heard, strict=True):
            evidence = measure(answer, testimony)
            values = [getattr(evidence, name) for name in WITNESSES]
            found.append([np.nan if value is None else value for value in values])
    return np.array(found, np.float64)


def _known(features: NDArray[np.float64], names: tuple[str, ...]) -> bool:
    columns = [WITNESSES.index(name) for name in names]
    return bool((~np.isnan(features[:, columns])).any(axis=0).all())


def fit(
    features: NDArray[np.float64],
    supported: NDArray[np.int64],
    names: tuple[str, ...],
    ridge: float,
) -> dict[str, Any]:
    """Weights of the standardised witnesses, then slope and intercept of their sum."""
    x = features[:, [WITNESSES.index(name) for name in names]]
    asked = ~np.isnan(x).any(axis=1)
    x, y = x[asked], supported[asked]
    mean, scale = x.mean(axis=0), x.std(axis=0)
    model = LogisticRegression(C=ridge, max_iter=1000, class_weight="balanced")
    weights = model.fit((x - mean) / scale, y).coef_[0]
    weights = weights / np.abs(weights).sum()
    total = ((x - mean) / scale) @ weights
    prior = float(np.log(SUPPORTED_SHARE / (1 - SUPPORTED_SHARE)))
    line = LogisticRegression(C=100.0, class_weight="balanced").fit(total[:, None], y)

    def named(values: NDArray[np.float64]) -> dict[str, float]:
        return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}

    return {
        "mean": named(mean),
        "scale": named(scale),
        "weights": named(weights),
        "slope": round(float(line.coef_[0][0]), 4),
        "intercept": round(float(line.intercept_[0]) + prior, 4),
    }


if __name__ == "__main__":
    raise SystemExit(main())
