"""Which answers are sampled, so that their inverse rates are right weights.

Each answer has a permanent random number (Ohlsson, "Coordination of samples using permanent random
numbers", 1995): a hash of its identity, uniform in [0, 1). It is taken when that number lies below the
rate in force at the moment of its decision, which depends on the past only. So each answer is in the
sample with exactly that probability, and sums of scores weighted by the inverse are unbiased (Horvitz
and Thompson, "A generalization of sampling without replacement from a finite universe", 1952) however
the rate changed meanwhile. A decision is stored and never made again: a second chance would raise the
probability above the one that the weight states.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from tachograph_evaluators.rules.rule import Behind, RuleBook
from tachograph_store.queries.evaluation import Candidate

_RANGE: Final = 2.0**64
NO_RULE: Final = "no rule of the evaluation file wants it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to become of one evaluation."""

    is_taken: bool
    sample_rate: float  # probability of being taken; 0 when no rule wants it
    reason: str


def permanent_number(project: str, trace_id: str, span_id: str) -> float:
    """In [0, 1), the same for ever: evaluators of different rates judge nested samples."""
    identity = f"{project}\0{trace_id}\0{span_id}".encode()
    return int.from_bytes(blake2b(identity, digest_size=8, person=b"tg-sampling").digest()) / _RANGE


def behind_factor(drain_s: float, behind: Behind) -> float:
    """By what the rules' rates are multiplied when the waiting answers take `drain_s` to judge.

    1 up to `after_s`, then after_s / drain_s: where answers keep arriving r times as fast as they
    can be judged, one in r is taken, and the oldest waits about `after_s`.
    """
    return 1.0 if drain_s <= behind.after_s else behind.after_s / drain_s


def decide(book: RuleBook, answer: Candidate, evaluator: str, factor: float) -> Decision:
    """Take the answer for the evaluator (its plain name), or leave it out for good."""
    rule = book.rule_for(answer, evaluator)
    if rule is None or rule.sample_rate <= 0:
        return Decision(is_taken=False, sample_rate=0.0, reason=NO_RULE)
    rate = rule.sample_rate
    if rule.drop_when_behind:
        rate = max(rate * factor, min(rate, book.behind.least_rate))
    number = permanent_number(answer.project, answer.trace_id, answer.span_id)
    return Decision(
        is_taken=number < rate,
        sample_rate=rate,
        reason=f'left out by rule "{rule.name}"' + (", behind" if rate < rule.sample_rate else ""),
    )


def priority_of(book: RuleBook, answer: Candidate, evaluators: list[str]) -> int:
    """The highest priority of the rules that decide about the answer."""
    rules = [book.rule_for(answer, evaluator) for evaluator in evaluators]
    return max((rule.priority for rule in rules if rule is not None), default=0)
