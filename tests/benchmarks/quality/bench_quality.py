"""How good the built-in evaluators are, on labelled answers that you name.

    python tests/benchmarks/quality/bench_quality.py DATA

DATA is a folder with grounding.jsonl, toxicity.jsonl, coherence.jsonl and pii.jsonl: rows `prompt,
context, response, label, source` with label 1 for the bad answer (coherence: for the good one) and,
for pii, `spans` of [start, stop, TYPE]. Prints a table, then one JSON object.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tachograph_evaluators.evaluator import Answer
from tachograph_evaluators.judges import grounding, pii, relevance, repetition, toxicity
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.text import STOPWORDS, words

Rows = Sequence[dict[str, Any]]
Floats = NDArray[np.float64]

_BOOTSTRAPS = 1000
_PII_TYPES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "credit_card",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip_address",
}
"""Pattern types of the labels, and what we call them."""


def main() -> int:
    """Print what was measured; 2 when the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    data: Path | None = parser.parse_args().data
    names = ("grounding", "toxicity", "coherence", "pii")
    missing = [n for n in names if data is None or not (data / f"{n}.jsonl").is_file()]
    if data is None or missing:
        print(
            f"no labelled data for {', '.join(missing)}: name a folder with NAME.jsonl for each. "
            "docs/evaluators.md says which public sets ours were drawn from and how to get them.",
            file=sys.stderr,
        )
        return 2
    rows = {name: _read(data / f"{name}.jsonl") for name in names}
    print(f"{'evaluator':<34} {'source':<30} {'rows':>5} {'AUROC':>6}  95 %")
    figures = {
        "grounding": _grounding(rows["grounding"]),
        "toxicity": _toxicity(rows["toxicity"]),
        "coherence": _coherence(rows["coherence"]),
        "pii": _pii(rows["pii"]),
    }
    print(json.dumps({"bench": "quality", **figures}))
    return 0


def _read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _answer(row: dict[str, Any]) -> Answer:
    return Answer(
        project="bench",
        trace_id="",
        span_id="",
        span_time=0,
        response=row["response"],
        prompt=row.get("prompt"),
        context=row.get("context"),
    )


def _grounding(rows: Rows) -> dict[str, float]:
    judge = grounding.Grounding()
    judge.warm_up()
    scores = [judge.evaluate([_answer(row)])[0][0] for row in rows]
    ours = np.array([0.5 if s.value is None else s.value for s in scores])
    overlap = np.array([_overlap(row["response"], row["context"]) for row in rows])
    bad = np.array([row["label"] for row in rows])
    sources = np.array([row["source"] for row in rows])
    _by_source("grounding", bad, -ours, sources)
    _by_source("word overlap (baseline)", bad, -overlap, sources)
    macro, baseline = _macro(bad, -ours, sources), _macro(bad, -overlap, sources)
    gains = _bootstrap(
        len(rows),
        lambda at: (
            _macro(bad[at], -ours[at], sources[at]) - _macro(bad[at], -overlap[at], sources[at])
        ),
    )
    return {
        "auroc": round(macro, 3),
        "baseline": round(baseline, 3),
        "gain": round(macro - baseline, 3),
        "gain_low": round(float(np.percentile(gains, 2.5)), 3),
        **_at_threshold(bad, ours, grounding.THRESHOLD),
    }


def _overlap(response: str, context: str) -> float:
    content = [word for word in words(response) if word not in STOPWORDS]
    known = set(words(context))
    return sum(word in known for word in content) / len(content) if content else 0.0


def _toxicity(rows: Rows) -> dict[str, float]:
    scores = toxicity.judge([row["response"] for row in rows])
    ours = np.array([0.5 if s.value is None else s.value for s in scores])
    bad = np.array([row["label"] for row in rows])
    sources = np.array([row["source"] for row in rows])
    _by_source("toxicity", bad, -ours, sources)
    hate = sources == "hatecheck"
    return {
        "auroc": round(_auroc(bad, -ours), 3),
        "hatecheck_auroc": round(_auroc(bad[hate], -ours[hate]), 3),
        **_at_threshold(bad, ours, toxicity.THRESHOLD),
    }


def _coherence(rows: Rows) -> dict[str, float]:
    """The prompt is a dialogue, one turn a line; what is asked last is what counts."""
    good = np.array([row["label"] for row in rows])
    sources = np.array([row["source"] for row in rows])
    asked = [{**row, "prompt": row["prompt"].strip().split("\n")[-1]} for row in rows]
    scores = relevance.judge([_answer(row) for row in asked])
    ours = np.array([0.5 if s.value is None else s.value for s in scores])
    repeated = [repetition.judge(row["response"]).value for row in rows]
    vectors = encoder().encode([row["prompt"] for row in rows])
    answers = encoder().encode([row["response"] for row in rows])
    cosine = (vectors * answers).sum(axis=1).astype(np.float64)
    _by_source("relevance", good, ours, sources)
    _by_source(
        "repetition", good, np.array([v if v is not None else 0.5 for v in repeated]), sources
    )
    _by_source("whole dialogue cosine (baseline)", good, cosine, sources)
    return {
        "auroc": round(_auroc(good, ours), 3),
        "baseline": round(_auroc(good, cosine), 3),
    }


def _pii(rows: Rows) -> dict[str, float]:
    """F1 of spans of pattern types: found when a finding of the type overlaps the label."""
    hits = labels = findings = 0
    for row in rows:
        found = [o for o in pii.judge(row["response"]).offsets if o[2] in _PII_TYPES.values()]
        wanted = [(a, b, _PII_TYPES[kind]) for a, b, kind in row["spans"] if kind in _PII_TYPES]
        labels += len(wanted)
        findings += len(found)
        hits += sum(
            any(f[0] < b and a < f[1] and f[2] == kind for f in found) for a, b, kind in wanted
        )
    precision, recall = hits / findings, hits / labels
    f1 = 2 * precision * recall / (precision + recall)
    print(f"pii: {labels} labels, precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")
    return {"pattern_f1": round(f1, 3)}


def _by_source(name: str, positive: Floats, score: Floats, sources: NDArray[np.str_]) -> None:
    for source in sorted(set(sources)):
        at = sources == source
        _line(name, str(source), positive[at], score[at])
    _line(name, "all", positive, score)


def _line(name: str, source: str, positive: Floats, score: Floats) -> None:
    value = _auroc(positive, score)
    spread = _bootstrap(len(score), lambda at: _auroc(positive[at], score[at]))
    low, high = np.percentile(spread, [2.5, 97.5])
    print(f"{name:<34} {source:<30} {len(score):>5} {value:>6.3f}  {low:.3f}-{high:.3f}")


def _auroc(positive: Floats, score: Floats) -> float:
    """By ranks (Mann-Whitney): fast enough to be bootstrapped."""
    ranks = rankdata(score)
    count = int(np.sum(positive == 1))
    others = len(positive) - count
    above = float(ranks[positive == 1].sum()) - count * (count + 1) / 2
    return above / (count * others) if count and others else 0.5


def _macro(positive: Floats, score: Floats, sources: NDArray[np.str_]) -> float:
    parts = [_auroc(positive[sources == s], score[sources == s]) for s in set(sources)]
    return float(np.mean(parts))


def _bootstrap(size: int, measure: Callable[[NDArray[np.int64]], float]) -> list[float]:
    generator = np.random.default_rng(20261122)
    return [measure(generator.integers(0, size, size)) for _ in range(_BOOTSTRAPS)]


def _at_threshold(bad: Floats, score: Floats, threshold: float) -> dict[str, float]:
    alarm = score < threshold
    return {
        "recall_at_threshold": round(float(alarm[bad == 1].mean()), 3),
        "fpr_at_threshold": round(float(alarm[bad == 0].mean()), 3),
    }


if __name__ == "__main__":
    raise SystemExit(main())
