"""Corrected rates: the interval covers the truth as often as it says, whatever the evaluator is worth."""

import numpy as np
import pytest

from tachograph_store.rates.corrected import corrected_rate, moments, wilson
from tachograph_store.rates.labelling import EVEN, MOST
from tachograph_store.rates.pairs import Pair, student_quantile

TRIALS = 300
ANSWERS = 1500
LABELS = 80


def _trial(
    rng: np.random.Generator, skill: float, sampled: bool, active: bool
) -> tuple[float, float, float, float]:
    """One population: the corrected interval, its width by labels alone, and the estimate."""
    truth = rng.random(ANSWERS) < 0.8
    noise = rng.normal(0, 1, ANSWERS)
    score = 1 / (1 + np.exp(-(skill * (truth - 0.5) * 4 + noise + 0.7)))  # biased on purpose
    # Judged with a probability that depends on the answer: segments differ in their rates
    chance = np.where(truth, 0.5, 0.9) if sampled else np.ones(ANSWERS)
    judged = rng.random(ANSWERS) < chance
    error = np.sqrt(score * (1 - score))
    share = (1 - EVEN) * error / error[judged].sum() + EVEN / judged.sum()
    drawn = np.minimum(MOST, LABELS * share) if active else np.full(ANSWERS, LABELS / ANSWERS)
    labelled = judged & (rng.random(ANSWERS) < drawn)
    pairs = [
        Pair(
            label=float(truth[i]),
            score=float(score[i]),
            score_weight=float(1 / chance[i]),
            label_weight=float(1 / drawn[i]),
        )
        for i in np.flatnonzero(labelled)
    ]
    sums = moments([(float(score[i]), float(1 / chance[i])) for i in np.flatnonzero(judged)])
    rate = corrected_rate(sums, pairs)
    assert rate is not None
    return (
        rate.corrected.low,
        rate.corrected.high,
        rate.labelled.high - rate.labelled.low,
        rate.corrected.estimate,
    )


@pytest.mark.parametrize(
    ("skill", "sampled", "active"),
    [(1.5, False, False), (0.0, False, False), (1.5, True, False), (1.5, True, True)],
    ids=["good evaluator", "useless evaluator", "sampled", "sampled and actively labelled"],
)
def test_the_interval_covers_the_true_rate(skill: float, sampled: bool, active: bool) -> None:
    rng = np.random.default_rng(20231109)
    found = np.array([_trial(rng, skill, sampled, active) for _ in range(TRIALS)])
    coverage = np.mean((found[:, 0] <= 0.8) & (0.8 <= found[:, 1]))
    # Binomial noise of 300 trials is 1.3 points; a naive interval covers near 0 here
    assert 0.91 <= coverage <= 0.988
    assert abs(found[:, 3].mean() - 0.8) < 0.01
    ratio = float(np.mean(found[:, 1] - found[:, 0]) / np.mean(found[:, 2]))
    assert ratio < (
        0.85 if skill else 1.05
    )  # a good evaluator narrows, a useless one costs nothing


def test_without_weights_the_estimate_would_be_wrong() -> None:
    """What the weights are for: bad answers were judged more often than good ones."""
    rng = np.random.default_rng(5)
    truth = rng.random(20_000) < 0.8
    chance = np.where(truth, 0.3, 0.9)
    judged = rng.random(20_000) < chance
    score = truth * 0.9 + 0.05
    indices = np.flatnonzero(judged)
    labelled = indices[rng.random(indices.size) < 0.05]

    def estimate(is_weighted: bool) -> float:
        weight = 1 / chance if is_weighted else np.ones_like(chance)
        rate = corrected_rate(
            moments([(float(score[i]), float(weight[i])) for i in indices]),
            [
                Pair(
                    label=float(truth[i]),
                    score=float(score[i]),
                    score_weight=float(weight[i]),
                    label_weight=20.0,
                )
                for i in labelled
            ],
        )
        assert rate is not None
        return rate.corrected.estimate

    assert estimate(is_weighted=True) == pytest.approx(0.8, abs=0.01)
    assert estimate(is_weighted=False) < 0.65


def test_labels_that_are_all_alike_still_leave_doubt() -> None:
    pairs = [Pair(label=1.0, score=0.9) for _ in range(20)]
    rate = corrected_rate(moments([(0.9, 1.0)] * 100), pairs)
    assert rate is not None
    assert rate.corrected.estimate == 1.0
    assert rate.corrected.low == pytest.approx(wilson(1.0, 20)[0])
    assert rate.corrected.low < 0.85


def test_too_few_labels_give_no_rate() -> None:
    assert corrected_rate(moments([(0.9, 1.0)] * 100), [Pair(label=1, score=0.9)] * 9) is None


@pytest.mark.parametrize(("degrees", "expected"), [(5, 2.5706), (10, 2.2281), (100, 1.9840)])
def test_students_quantile(degrees: int, expected: float) -> None:
    assert student_quantile(0.95, degrees) == pytest.approx(expected, abs=0.005)
