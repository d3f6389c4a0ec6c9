"""Hints: the messages that the planner sends to the scoring queue. Ids, never text."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tachograph_evaluators.leases import Wanted
from tachograph_store.queries.evaluation import AnswerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Please judge these answers of one project with these evaluators."""

    project: str
    keys: Sequence[AnswerKey]
    wanted: Sequence[Wanted]
    attempt: int
    start_by: float  # unix seconds: later, the lease may be sent again, so this one is dropped

    def message(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "project": self.project,
            "keys": [[key.trace_id, key.span_id, key.start_us] for key in self.keys],
            "wanted": [[one.evaluator, one.sample_rate] for one in self.wanted],
            "attempt": self.attempt,
            "start_by": self.start_by,
        }

    @classmethod
    def parse(cls, message: dict[str, Any]) -> "Hint":
        """Raises KeyError, TypeError or ValueError for what is not a hint."""
        return cls(
            project=str(message["project"]),
            keys=[
                AnswerKey(trace_id=str(trace), span_id=str(span), start_us=int(start))
                for trace, span, start in message["keys"]
            ],
            wanted=[_wanted(str(name), float(rate)) for name, rate in message["wanted"]],
            attempt=int(message["attempt"]),
            start_by=float(message["start_by"]),
        )

    @property
    def is_late(self) -> bool:
        """Whether its lease may already be in other hands."""
        return time.time() > self.start_by


def _wanted(evaluator: str, sample_rate: float) -> Wanted:
    if not 0.0 < sample_rate <= 1.0:
        raise ValueError(f"sample rate {sample_rate} of {evaluator}: must be above 0, at most 1")
    return Wanted(evaluator, sample_rate)


def bounded_batches(
    sized: Sequence[tuple[AnswerKey, int]], max_answers: int, max_bytes: int
) -> Iterator[list[AnswerKey]]:
    """Batches by number of answers and bytes of text; one huge answer is a batch of its own."""
    batch: list[AnswerKey] = []
    held = 0
    for key, size in sized:
        if batch and (len(batch) >= max_answers or held + size > max_bytes):
            yield batch
            batch, held = [], 0
        batch.append(key)
        held += size
    if batch:
        yield batch
