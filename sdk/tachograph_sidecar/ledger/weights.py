"""What pieces of an engine's work cost relative to each other; the sum is always the measurement."""

from dataclasses import dataclass
from typing import Final

_J_PER_FLOP: Final = 700.0 / (0.5 * 989e12)
"""An H100's board power over half its dense BF16 peak: what large matrix products reach."""

_J_PER_BYTE: Final = 400.0 / 3.35e12
"""A power seen in memory-bound decoding over the memory bandwidth."""


@dataclass(frozen=True, slots=True)
class EnergyWeights:
    """Energy of one piece of work, joules; only the ratios matter to a split.

    Attributes:
        prefill_token: a prompt token computed (not taken from the prefix cache).
        step: one forward pass over the whole batch: the model's weights are read once, whoever is
            in the batch, so its cost is shared by those in it.
        decode_token: an output token, beside its part of the step.
        kv_token: a context token whose keys and values one output token reads.
        relative_error: of a request's energy, one standard error; None before calibration.
        source: `roofline` or `calibrated`.
    """

    prefill_token: float
    step: float
    decode_token: float
    kv_token: float
    relative_error: float | None
    source: str


def roofline(parameter_count: float = 8e9, kv_bytes_per_token: float = 131_072) -> EnergyWeights:
    """Weights from arithmetic alone, until `tachograph calibrate` has measured them.

    A prompt token takes 2 FLOP a parameter at compute-bound energy, a step reads 2 bytes a
    parameter at memory-bound energy (Williams, Waterman, Patterson 2009, "Roofline"), so that one
    step is worth about 85 prompt tokens whatever the model's size.
    """
    token_j = 2.0 * parameter_count * _J_PER_FLOP
    return EnergyWeights(
        prefill_token=token_j,
        step=2.0 * parameter_count * _J_PER_BYTE,
        decode_token=token_j,
        kv_token=kv_bytes_per_token * _J_PER_BYTE,
        relative_error=None,
        source="roofline",
    )
