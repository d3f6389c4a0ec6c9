"""From measured loads to weights: what a prompt token, a step, an output token and context cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tachograph_sidecar.calibration.least_squares import non_negative_least_squares
from tachograph_sidecar.calibration.loads import Measured
from tachograph_sidecar.ledger.weights import EnergyWeights

MIN_LOADS: Final = 5
"""Four unknowns and one load that tells how well they do."""

MAX_DRAWN_RATIO: Final = 0.02
"""Loads that draw less than that above the idle power tell nothing but noise."""


class NothingToFit(ValueError):
    """The loads do not tell the weights apart; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights, and what each load's energy is by weights fitted to all other kinds of load.

    Attributes:
        predictions: (load, its joules by weights that never saw its kind), in the order of loads.
    """

    weights: EnergyWeights
    predictions: Sequence[tuple[Measured, float]]


def fit_weights(loads: Sequence[Measured], idle_w: float) -> Fit:
    """Non-negative least squares on relative errors: every load counts alike, however long it took.

    The weights' relative error is the root mean square of the errors at kinds of loads that were
    left out of the fit.

    Raises NothingToFit.
    """
    drawn = [one for one in loads if one.energy_j > MAX_DRAWN_RATIO * idle_w * one.duration_s]
    if len(drawn) < MIN_LOADS or len(drawn) < len(loads) / 2:
        raise NothingToFit(
            f"only {len(drawn)} of {len(loads)} loads drew more than the idle power "
            f"({idle_w:.0f} W): take a larger model, longer prompts or bigger batches"
        )
    prefill_token, step, decode_token, kv_token = _solve(drawn)
    if prefill_token <= 0 or step + decode_token <= 0:
        raise NothingToFit(
            "the loads do not tell prefill and decode apart: give several lengths with --prefill "
            "and several sizes with --batches"
        )
    predictions = []
    for one in drawn:
        others = [other for other in drawn if other.name != one.name]
        if len(others) >= MIN_LOADS - 1:
            predictions.append((one, _predict(_solve(others), one)))
    errors = [(predicted - one.energy_j) / one.energy_j for one, predicted in predictions]
    relative = math.sqrt(sum(error * error for error in errors) / len(errors)) if errors else None
    weights = EnergyWeights(
        prefill_token=prefill_token,
        step=step,
        decode_token=decode_token,
        kv_token=kv_token,
        relative_error=relative,
        source="calibrated",
    )
    return Fit(weights, predictions)


def _solve(loads: Sequence[Measured]) -> list[float]:
    rows = [[amount / one.energy_j for amount in one.work] for one in loads]
    return non_negative_least_squares(rows, [1.0] * len(loads))


def _predict(weights: Sequence[float], load: Measured) -> float:
    return sum(weight * amount for weight, amount in zip(weights, load.work, strict=True))
