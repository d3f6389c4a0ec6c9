"""What processes beside the engine did on its GPUs, as a share of the SM utilisation over time."""

from collections import deque
from typing import Final

from tachograph_sidecar.ledger.work import NS

MAX_AGE_NS: Final = 3 * NS
"""A reading says something of the seconds before it, not of more."""

_MAX_READINGS: Final = 256


class OtherProcesses:
    """Readings of the others' share, each for the time since the reading before it."""

    def __init__(self) -> None:
        self._readings: deque[tuple[int, float | None]] = deque(maxlen=_MAX_READINGS)

    def add(self, at_ns: int, share: float | None) -> None:
        """The share in [0, 1] since the last reading; None where it cannot be told."""
        self._readings.append((at_ns, share))

    def share_at(self, at_ns: int) -> float | None:
        """Of the first reading at or after a moment, or of the last one before it; None when unknown."""
        for read_ns, share in self._readings:
            if read_ns >= at_ns:
                return share if read_ns - at_ns <= MAX_AGE_NS else None
        if self._readings and at_ns - self._readings[-1][0] <= MAX_AGE_NS:
            return self._readings[-1][1]
        return None
