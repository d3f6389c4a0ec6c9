"""Agreement with people: known values, and intervals that cover."""

import numpy as np
import pytest

from tachograph_store.rates.agreement import Confusion, agreement, auroc, kappa
from tachograph_store.rates.pairs import Pair


def test_kappa_of_a_known_table() -> None:
    """Cohen's kappa of the table 20 / 15 / 5 / 10 is 0.4."""
    found = kappa(Confusion(both_good=20, both_bad=15, missed=5, false_alarm=10))
    assert found is not None
    assert found.estimate == pytest.approx(0.4)
    assert -0.1 < found.low < 0.25
    assert 0.55 < found.high < 0.9


def test_auroc_counts_ties_half() -> None:
    pairs = [
        Pair(label=label, score=score) for label, score in ((1, 0.9), (1, 0.5), (0, 0.5), (0, 0.1))
    ]
    found = auroc(pairs)
    assert found is not None
    assert found.estimate == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_one_kind_of_answer_has_no_auroc_and_no_kappa() -> None:
    found = agreement([Pair(label=1, score=0.9)] * 5)
    assert (found.auroc, found.kappa, found.confusion.both_good) == (None, None, 5)
    assert agreement([]).kappa is None


def test_a_judge_who_says_one_thing_only_has_no_kappa() -> None:
    pairs = [Pair(label=label, score=0.9) for label in (1, 1, 0, 0)]
    assert agreement(pairs).kappa is None


def test_the_intervals_cover() -> None:
    rng = np.random.default_rng(7)
    covered_auroc = covered_kappa = 0
    for _ in range(200):
        label = (rng.random(150) < 0.6).astype(float)
        score = np.clip(rng.normal(0.45 + 0.2 * label, 0.2), 0, 1)
        pairs = [
            Pair(label=y, score=s) for y, s in zip(label.tolist(), score.tolist(), strict=True)
        ]
        found = agreement(pairs)
        assert found.auroc is not None and found.kappa is not None
        covered_auroc += found.auroc.low <= TRUE_AUROC <= found.auroc.high
        covered_kappa += found.kappa.low <= TRUE_KAPPA <= found.kappa.high
    assert covered_auroc >= 180
    assert covered_kappa >= 180


def _true() -> tuple[float, float]:
    rng = np.random.default_rng(1)
    label = rng.random(50_000) < 0.6
    score = np.clip(rng.normal(0.45 + 0.2 * label, 0.2), 0, 1)
    pairs = [Pair(label=float(y), score=float(s)) for y, s in zip(label, score, strict=True)]
    found = agreement(pairs)
    assert found.auroc is not None and found.kappa is not None
    return found.auroc.estimate, found.kappa.estimate


TRUE_AUROC, TRUE_KAPPA = _true()
