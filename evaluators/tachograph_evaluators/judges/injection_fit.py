"""How the injection judge weighs its witnesses: log-odds 0 at the shipped threshold.

Chosen by evaluators/training/calibrate_injection.py so that two in a hundred of ordinary requests, and
of ordinary prose and mails, alarm that nothing was trained on and that stand in no test. Where no head
reads, a context's threshold is one at which none of the ordinary mails of the test alarmed;
docs/evaluators.md has what is found.
"""

from dataclasses import dataclass
from typing import Final

_LIMIT: Final = 10.0  # log-odds of a head beyond it say no more


@dataclass(frozen=True, slots=True)
class InjectionFit:
    """Weights and thresholds, of prompts and of contexts, without and with the trained heads."""

    known: float
    """Of a known phrase, times its confidence."""
    contest_discount: float
    """Off what the n-grams of contests say: the general ones go first."""
    prompt_threshold: float
    prompt_head: float
    """Of the head's log-odds beside what n-grams and known phrases say."""
    heard_prompt_threshold: float
    planted_head: float
    """Of the planted head's log-odds beside the weight of an order."""
    context_threshold: float
    heard_context_threshold: float
    slope: float
    """From a context's weight to log-odds."""
    heard_slope: float

    def phrase(self, general: float, contest: float, known: float) -> float:
        """What both n-gram models and known phrases say of a piece."""
        return max(general, contest - self.contest_discount) + self.known * known

    def prompt(self, phrase: float, head: float | None) -> float:
        """Log-odds of a prompt, from the worst that was said of its pieces."""
        if head is None:
            return phrase - self.prompt_threshold
        heard = self.prompt_head * kept(head)
        return (phrase + heard - self.heard_prompt_threshold) / 2

    def context(self, weight: float, known: float, head: float | None) -> float:
        """Log-odds of a sentence of a context."""
        weight += known * self.known / 2
        if head is None:
            return self.slope * (weight - self.context_threshold)
        heard = weight + self.planted_head * kept(head)
        return self.heard_slope * (heard - self.heard_context_threshold)


def kept(logit: float) -> float:
    """A head's log-odds, bounded."""
    return max(-_LIMIT, min(_LIMIT, logit))


FIT: Final = InjectionFit(
    known=2.0,
    contest_discount=3.0,
    prompt_threshold=1.22,
    prompt_head=0.5,
    heard_prompt_threshold=3.63,
    planted_head=0.4,
    context_threshold=2.75,
    heard_context_threshold=3.09,
    slope=1.5,
    heard_slope=0.9,
)
