"""The calibration file: weights, on which device and model, from which loads."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tachograph._internal.gpu.source import GpuIdentity
from tachograph_sidecar.calibration.loads import Measured
from tachograph_sidecar.ledger.weights import EnergyWeights

FORMAT: Final = 1
MAX_BYTES: Final = 4 * 1024 * 1024
_WEIGHTS: Final = ("prefill_token", "step", "decode_token", "kv_token")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one run of `tachograph calibrate` found.

    Attributes:
        devices: on which it was measured.
        idle_w: of all of them, before the first load.
        measured_at: ISO 8601, UTC.
    """

    model: str
    devices: Sequence[GpuIdentity]
    idle_w: float
    weights: EnergyWeights
    loads: Sequence[Measured]
    measured_at: str
    tachograph_version: str


def write_calibration(path: Path, calibration: Calibration) -> None:
    """As JSON, whole or not at all. Raises OSError."""
    weights = {name: getattr(calibration.weights, name) for name in _WEIGHTS}
    document = {
        "format": FORMAT,
        "model": calibration.model,
        "devices": [asdict(device) for device in calibration.devices],
        "measured_at": calibration.measured_at,
        "tachograph_version": calibration.tachograph_version,
        "idle_w": calibration.idle_w,
        "weights_j": weights,
        "relative_error": calibration.weights.relative_error,
        "loads": [asdict(load) for load in calibration.loads],
    }
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def read_weights(path: Path) -> EnergyWeights:
    """The weights of a calibration file.

    Raises ValueError, naming the field and the remedy, for a file that is none; OSError.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    remedy = "make it anew with tachograph calibrate"
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} is longer than {MAX_BYTES} bytes: {remedy}")
    try:
        document: Any = json.loads(data)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}): {remedy}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` is not {FORMAT}: {remedy}")
    given = document.get("weights_j")
    weights: dict[str, float] = {}
    for name in _WEIGHTS:
        value = _amount(given.get(name)) if isinstance(given, dict) else None
        if value is None:
            raise ValueError(f"{path}: `weights_j.{name}` is no number from 0 up: {remedy}")
        weights[name] = value
    if not weights["prefill_token"] or not weights["step"] + weights["decode_token"]:
        raise ValueError(f"{path}: `weights_j` gives prefill or decode no energy: {remedy}")
    relative = _amount(document.get("relative_error"))
    if relative is None and document.get("relative_error") is not None:
        raise ValueError(f"{path}: `relative_error` is no number from 0 up: {remedy}")
    return EnergyWeights(**weights, relative_error=relative, source="calibrated")


def _amount(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
