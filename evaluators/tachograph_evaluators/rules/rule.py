"""What an evaluation file says, once read: rules and what happens when judging falls behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tachograph_store.queries.evaluation import Candidate

DEFAULT_PRIORITY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The answers that a rule is about. Each part takes names, `*` and `?` as in a shell; an empty
    part takes every answer, one with names none that lacks the fact."""

    projects: Sequence[str] = ()
    models: Sequence[str] = ()
    tenants: Sequence[str] = ()
    operations: Sequence[str] = ()

    def takes(self, answer: Candidate) -> bool:
        """Whether every part takes the answer."""
        return (
            _takes(self.projects, answer.project)
            and _takes(self.models, answer.model)
            and _takes(self.tenants, answer.tenant)
            and _takes(self.operations, answer.operation)
        )


def _takes(patterns: Sequence[str], fact: str | None) -> bool:
    if not patterns:
        return True
    return fact is not None and any(fnmatchcase(fact, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """For the answers that it takes: which evaluators judge which share of them, how urgently."""

    name: str
    filter: Filter = Filter()
    evaluators: Sequence[str] = ()  # by name; empty means all that run
    sample_rate: float = 1.0
    priority: int = DEFAULT_PRIORITY  # 0 to 9, the highest first
    drop_when_behind: bool = True

    def decides(self, answer: Candidate, evaluator: str) -> bool:
        """Whether the rule is about the answer and the evaluator (its plain name)."""
        return (not self.evaluators or evaluator in self.evaluators) and self.filter.takes(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """When judging what waits would take longer than `after_s`, fewer are taken, but never less
    than `least_rate` of them."""

    after_s: float = 300.0
    least_rate: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """Rules in the order of the file: the first one that is about an answer and an evaluator decides
    for the two. Without any, everything is judged by everything."""

    rules: Sequence[Rule] = (Rule(name="everything"),)
    behind: Behind = Behind()

    def rule_for(self, answer: Candidate, evaluator: str) -> Rule | None:
        """The rule that decides; None when no rule wants the evaluation."""
        for rule in self.rules:
            if rule.decides(answer, evaluator):
                return rule
        return None
