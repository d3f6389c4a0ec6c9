"""Scores of a whole set by one evaluator, through the code that `tachograph eval` runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from tachograph_evaluators.answer_file import parse
from tachograph_evaluators.evaluator import ERROR, FAIL, Evaluator, Score, headline
from tachograph_evaluators.suite import judge_batch

_BATCH: Final = 32
_UNDECIDED: Final = 0.5  # where an evaluator abstains it tells nothing apart


@dataclass(frozen=True, slots=True)
class Judged:
    """One evaluator on one set; `alarm` is 1 minus the score."""

    evaluator: Evaluator
    alarm: NDArray[np.float64]
    failed: NDArray[np.bool_]
    abstained: int
    errors: int
    scores: Sequence[Score]


def judge(evaluator: Evaluator, rows: Sequence[dict[str, Any]], name: str) -> Judged:
    """Every row, with a progress bar."""
    evaluator.warm_up()
    scores: list[Score] = []
    for start in track(range(0, len(rows), _BATCH), description=f"{evaluator.name}: {name}"):
        batch = [
            parse(json.dumps(row).encode(), at)[1]
            for at, row in enumerate(rows[start : start + _BATCH])
        ]
        scores += [headline(evaluator, found[0]) for found in judge_batch([evaluator], batch)]
    values = [_UNDECIDED if score.value is None else score.value for score in scores]
    return Judged(
        evaluator=evaluator,
        alarm=1.0 - np.array(values),
        failed=np.array([score.label == FAIL for score in scores]),
        abstained=sum(score.value is None for score in scores),
        errors=sum(score.label == ERROR for score in scores),
        scores=scores,
    )
