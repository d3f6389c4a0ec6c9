"""How the injection judge weighs its witnesses: fitted numbers, log-odds 0 at the shipped threshold.

python tests/benchmarks/quality/... measures them; see docs/evaluators.md
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class InjectionFit:
    """Weights of one set of witnesses."""

    known: float
    """Of a known phrase, times its confidence."""
    prompt_threshold: float
    """Log-odds of the linear model from which a window of a prompt alarms."""
    context_scale: float
    context_threshold: float
    """Weight of a planted order from which a sentence of a context alarms."""
    witness: float
    """Of the trained head's log-odds."""
    witness_bias: float

    def prompt(self, logit: float, known: float) -> float:
        """Log-odds of a window of a prompt."""
        return logit - self.prompt_threshold + self.known * known

    def context(self, weight: float, known: float) -> float:
        """Log-odds of a sentence of a context."""
        return self.context_scale * (weight - self.context_threshold) + self.known * known

    def mixed(self, logit: float, witness: float) -> float:
        """Log-odds with the trained head's word."""
        return logit + self.witness * witness + self.witness_bias


FIT: Final = InjectionFit(
    known=2.0,
    prompt_threshold=0.5,
    context_scale=1.2,
    context_threshold=2.5,
    witness=1.0,
    witness_bias=0.0,
)
