"""How toxicity weighs its two witnesses: fitted numbers, log-odds 0 at the shipped threshold."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ToxicityFit:
    """Weights of the obscenity model's and the trained head's log-odds."""

    obscene: float
    witness: float
    bias: float

    def mixed(self, obscene: float, witness: float) -> float:
        """Log-odds of a piece that both have read."""
        return self.obscene * obscene + self.witness * witness + self.bias

    def alone(self, obscene: float) -> float:
        """Log-odds where no head is installed."""
        return obscene

    def unheard(self, obscene: float) -> float:
        """Log-odds of a piece that the head had no time for: only plain obscenity counts."""
        return obscene - 2.0


FIT: Final = ToxicityFit(obscene=0.25, witness=1.0, bias=0.0)
