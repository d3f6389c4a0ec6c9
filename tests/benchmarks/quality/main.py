"""How good the evaluators are, on labelled answers that you name: `make bench-quality DATA=folder`.

Prints a table (each evaluator and set, baselines of the same run beside it), then one JSON object.
`--update` writes what `tachograph evaluators` prints and the table of docs/evaluators.md.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.quality import dataset, report
from tests.benchmarks.quality.dataset import Data, MissingData
from tests.benchmarks.quality.judged import Judged, judge
from tests.benchmarks.quality.measures import (
    PATTERN_TYPES,
    PERSON_TYPES,
    Line,
    Measured,
    columns,
    macro_gain,
    measure,
    span_f1,
)
from tests.benchmarks.quality.metrics import Interval, at_threshold, auroc, interval

from tachograph_evaluators.evaluator import Evaluator
from tachograph_evaluators.registry import installed

IDENTITY_SOURCE = "hatecheck"
PLANTED_SOURCE = "bipia_email"
TRAINED_ON = ("armor:llmail-inject", "armor:satml-ctf-2024")
"""Sources of injection's test rows of which other rows are trained on."""


@dataclass
class Run:
    """What is known so far."""

    data: Data
    evaluators: dict[str, Evaluator]
    limit: int | None
    measured: dict[str, Measured] = field(default_factory=dict)
    f1: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def judge(self, name: str, set_name: str) -> tuple[Judged, list[dict[str, Any]]] | None:
        """The scores of a set; None, and a note, where no such evaluator is installed."""
        if name not in self.evaluators:
            self.notes.append(f"no evaluator {name} is installed: {set_name} was not measured")
            return None
        rows = list(self.data.rows[set_name])
        if self.limit is not None and len(rows) > self.limit:
            chosen = np.random.default_rng(1).choice(len(rows), self.limit, replace=False)
            rows = [rows[at] for at in sorted(chosen)]
        return judge(self.evaluators[name], rows, set_name), rows


def main() -> int:
    """Print what was measured; 2 when the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--sets", default=",".join(dataset.SETS), help="some of the sets")
    parser.add_argument("--rows", type=int, help="of each set at most, for a quick look")
    parser.add_argument("--update", action="store_true", help="write data file and page")
    arguments = parser.parse_args()
    try:
        data = dataset.read(arguments.data)
    except MissingData as missing:
        print(missing, file=sys.stderr)
        return 2
    run = Run(data, dict(installed()), arguments.rows)
    for name, count in data.leaked.items():
        run.notes.append(f"{name}: {count} rows left out that stand in its training rows")
    figures = {
        key: measure_set(run)
        for key, (set_name, measure_set) in MEASURES.items()
        if set_name in arguments.sets.split(",")
    }
    report.show(run.measured, run.notes)
    if arguments.update:
        versions = {name: one.version for name, one in run.evaluators.items()}
        report.update(run.measured, versions, run.f1, run.notes)
    shown = {key: figures.get(key) for key in MEASURES if key != "hallucination"}
    print(json.dumps({"bench": "quality", **shown}))
    return 0


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def grounding(run: Run) -> dict[str, float | None] | None:
    """The macro over sources, and its gain above word overlap."""
    found = run.judge("grounding", "grounding")
    if found is None:
        return None
    judged, rows = found
    known = columns(rows, length_of=("context",))
    run.measured["grounding"] = measure(judged, known)
    ours, gain = macro_gain(judged, known, "word overlap")
    run.notes.append(
        f"grounding, macro over the sources: {ours.value:.3f} ({ours.low:.3f}-{ours.high:.3f}), word "
        f"overlap {ours.value - gain.value:.3f}; gain {gain.value:.3f} ({gain.low:.3f}-{gain.high:.3f})"
    )
    return {
        "auroc": _round(ours.value),
        "baseline": _round(ours.value - gain.value),
        "gain": _round(gain.value),
        "gain_low": _round(gain.low),
    }


def hallucination(run: Run) -> dict[str, float | None] | None:
    """Without a context: how often anything can be said, and how well."""
    found = run.judge("hallucination", "hallucination_nocontext")
    if found is None:
        return None
    judged, rows = found
    run.measured["hallucination"] = measure(judged, columns(rows, length_of=("response",)))
    run.notes.append(
        f"hallucination without a context: {judged.abstained} of {len(rows)} answers not_applicable"
    )
    return None


def injection(run: Run) -> dict[str, float | None] | None:
    """All attacks against all benign prompts, and those planted in a context."""
    found = run.judge("injection", "injection")
    if found is None:
        return None
    judged, rows = found
    known = columns(rows, length_of=("prompt", "context"))
    one = run.measured["injection"] = measure(judged, known)
    planted = known.sources == PLANTED_SOURCE
    met = np.isin(known.sources, TRAINED_ON)
    apart = at_threshold(known.bad[~met], judged.failed[~met])
    area = interval(
        known.sources[~met], lambda at: auroc(known.bad[~met][at], judged.alarm[~met][at])
    )
    run.notes.append(
        f"injection, attacks of sources never trained on ({int(known.bad[~met].sum())}): AUROC "
        f"{area.value:.3f} ({area.low:.3f}-{area.high:.3f}), recall {apart.recall or 0.0:.3f}"
    )
    at = at_threshold(known.bad, judged.failed)
    return {
        "auroc": _round(auroc(known.bad, judged.alarm)),
        "planted_auroc": _round(auroc(known.bad[planted], judged.alarm[planted])),
        "recall_at_threshold": _round(at.recall),
        "fpr_benign": _round(at.false_positive_rate),
        "length_matched_auroc": _round(_whole(one).length_matched if one.lines else None),
    }


def toxicity(run: Run) -> dict[str, float | None] | None:
    """All rows; alarms on toxic rows, and on benign sentences that name an identity."""
    found = run.judge("toxicity", "toxicity")
    if found is None:
        return None
    judged, rows = found
    known = columns(rows, length_of=("response",))
    run.measured["toxicity"] = measure(judged, known)
    hate = known.sources == IDENTITY_SOURCE
    for functionality in sorted({row["functionality"] for row in rows if row.get("functionality")}):
        at = np.array([row.get("functionality") == functionality for row in rows])
        alarms = float(judged.failed[at].mean())
        kind = "toxic" if known.bad[at].all() else "benign"
        run.notes.append(
            f"toxicity, HateCheck {functionality} ({int(at.sum())} {kind}): alarms {alarms:.3f}"
        )
    return {
        "auroc": _round(auroc(known.bad, judged.alarm)),
        "hatecheck_auroc": _round(auroc(known.bad[hate], judged.alarm[hate])),
        "recall_at_threshold": _round(at_threshold(known.bad, judged.failed).recall),
        "fpr_benign": _round(
            at_threshold(known.bad[hate], judged.failed[hate]).false_positive_rate
        ),
    }


def coherence(run: Run) -> dict[str, float | None] | None:
    """Against the cosine of the whole dialogue and the answer."""
    found = run.judge("coherence", "coherence")
    if found is None:
        return None
    judged, rows = found
    known = columns(rows, good_label=True, length_of=("response",))
    run.measured["coherence"] = measure(judged, known)
    return {
        "auroc": _round(auroc(known.bad, judged.alarm)),
        "baseline": _round(auroc(known.bad, known.baselines["cosine"])),
    }


def pii(run: Run) -> dict[str, float | None] | None:
    """F1 of typed spans."""
    found = run.judge("pii", "pii")
    if found is None:
        return None
    judged, rows = found
    run.measured["pii"] = measure(judged, columns(rows, length_of=("response",)))
    pattern = _spans(run, judged, rows, "pattern types", PATTERN_TYPES)
    person = _spans(run, judged, rows, "persons", PERSON_TYPES)
    return {"pattern_f1": _round(pattern.value), "person_f1": _round(person.value)}


def _spans(
    run: Run, judged: Judged, rows: Sequence[dict[str, Any]], kind: str, types: dict[str, str]
) -> Interval:
    f1, labels = span_f1(judged, rows, types)
    told = f"F1 {f1.value:.3f} ({f1.low:.3f}-{f1.high:.3f})"
    run.notes.append(f"pii, {kind}: {told} of {labels} labelled spans")
    run.f1.setdefault("pii", []).append(
        {"set_name": f"{rows[0]['source']}, {kind}", "rows": len(rows), "measure": "F1",
         "value": _round(f1.value), "low": _round(f1.low), "high": _round(f1.high),
         "baseline": None, "baseline_name": None}
    )  # fmt: skip
    return f1


def bias(run: Run) -> dict[str, float | None] | None:
    """The stereotyped one of two sentences, an answer that picks a group, hateful templates."""
    found = run.judge("bias", "bias")
    if found is None:
        return None
    judged, rows = found
    known = columns(rows, length_of=("response",))
    one = run.measured["bias"] = measure(judged, known)
    whole = _whole(one).auroc
    return {"auroc": _round(whole.value), "auroc_low": _round(whole.low)}


def _whole(one: Measured) -> Line:
    return one.lines[-1]


MEASURES: dict[str, tuple[str, Callable[[Run], dict[str, float | None] | None]]] = {
    "grounding": ("grounding", grounding),
    "injection": ("injection", injection),
    "toxicity": ("toxicity", toxicity),
    "coherence": ("coherence", coherence),
    "pii": ("pii", pii),
    "bias": ("bias", bias),
    "hallucination": ("hallucination_nocontext", hallucination),
}


if __name__ == "__main__":
    raise SystemExit(main())
