"""Scoring one hint: load, skip what is scored, judge, write scores, then close the leases."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded

from tachograph.semconv.values import ScoreSource
from tachograph_evaluators.answers import Loaded, load
from tachograph_evaluators.evaluator import (
    MAX_EXPLANATION_CHARS,
    MAX_OFFSETS,
    Compares,
    Evaluator,
    Score,
)
from tachograph_evaluators.hints import Hint
from tachograph_evaluators.leases import (
    AWAITING_TRACE,
    DONE,
    FAILED,
    LEASED,
    PARKED,
    RUNNING,
    Wanted,
    lease,
    leases,
)
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_evaluators.suite import embed_once, failures, judge_each
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import AnswerKey, Settled, evaluation_scored
from tachograph_store.rows import JobRow, ScoreRow
from tachograph_store.writer import Writer

_GRACE_S: Final = 2.0  # between the time limit and the process being gone


@dataclass(slots=True)
class _Outcome:
    scores: list[ScoreRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)


class Scorer:
    """Judges hints; made once a process."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        settings: EvaluatorSettings,
        evaluators: Mapping[str, Evaluator],
    ) -> None:
        self._store = store
        self._writer = writer
        self._settings = settings
        self._evaluators = evaluators

    def score(self, hint: Hint) -> int:
        """Judge a hint; returns the number of scores written.

        Raises StoreError when the store is away: the leases run out and are sent again.
        """
        if hint.is_late or not hint.keys:
            return 0  # the sweep sends it again
        self._begin(hint)
        loaded = load(self._store, hint.project, hint.keys, self._samples(hint))
        settled = {
            (row.trace_id, row.span_id, f"{row.evaluator}@{row.evaluator_version}"): row
            for row in evaluation_scored(self._store, hint.project, hint.keys)
        }
        outcome = _Outcome()
        for key in hint.keys:
            if key not in loaded:
                outcome.jobs += [
                    self._close(hint, key, wanted, PARKED, "the span is no longer stored")
                    for wanted in hint.wanted
                ]
        try:
            pending = [
                (
                    wanted,
                    evaluator,
                    self._pending(hint, wanted, evaluator, loaded, settled, outcome),
                )
                for wanted in hint.wanted
                if (evaluator := self._installed(hint, wanted, loaded, outcome)) is not None
            ]
            waiting = {one.key: one.answer for _, _, answers in pending for one in answers}
            embed_once([e for _, e, answers in pending if answers], list(waiting.values()))
            for wanted, evaluator, answers in pending:
                self._judge(hint, wanted, evaluator, answers, settled, outcome)
        finally:  # at the time limit, too: what is judged need not be judged again
            self._keep(outcome)
        return len(outcome.scores)

    def _samples(self, hint: Hint) -> int:
        """How many other answers to a prompt the evaluators of the hint want at most."""
        found: list[object] = [self._evaluators.get(wanted.evaluator) for wanted in hint.wanted]
        return max((one.most_samples for one in found if isinstance(one, Compares)), default=0)

    def _keep(self, outcome: _Outcome) -> None:
        """Scores first: a lease may only be done when its scores are stored."""
        if outcome.scores:
            self._writer.write("scores", outcome.scores)
        if outcome.jobs:
            self._writer.write("jobs", outcome.jobs)

    def _begin(self, hint: Hint) -> None:
        """Say that this attempt has begun: a lease that runs out before was no attempt."""
        due_at = datetime.now(UTC) + timedelta(seconds=self._settings.time_limit_s + _GRACE_S)
        rows = leases(
            hint.project,
            hint.keys,
            hint.wanted,
            state=RUNNING,
            attempt=hint.attempt,
            due_at=due_at,
        )
        self._writer.write("jobs", rows)

    def _installed(
        self, hint: Hint, wanted: Wanted, loaded: Mapping[AnswerKey, Loaded], outcome: _Outcome
    ) -> Evaluator | None:
        evaluator = self._evaluators.get(wanted.evaluator)
        if evaluator is None:
            reason = f"evaluator {wanted.evaluator} is not installed in this worker"
            outcome.jobs += [self._close(hint, key, wanted, FAILED, reason) for key in loaded]
        return evaluator

    def _pending(
        self,
        hint: Hint,
        wanted: Wanted,
        evaluator: Evaluator,
        loaded: Mapping[AnswerKey, Loaded],
        settled: Mapping[tuple[str, str, str], Settled],
        outcome: _Outcome,
    ) -> list[Loaded]:
        """The answers that the evaluator has not judged and may judge now."""
        pending: list[Loaded] = []
        for key, one in loaded.items():
            earlier = settled.get((key.trace_id, key.span_id, wanted.evaluator))
            if earlier is not None and not earlier.is_error:
                outcome.jobs.append(self._close(hint, key, wanted, DONE))
            elif self._awaits_trace(evaluator, one):
                outcome.jobs.append(self._close(hint, key, wanted, LEASED, AWAITING_TRACE))
            else:
                pending.append(one)
        return pending

    def _judge(
        self,
        hint: Hint,
        wanted: Wanted,
        evaluator: Evaluator,
        pending: Sequence[Loaded],
        settled: Mapping[tuple[str, str, str], Settled],
        outcome: _Outcome,
    ) -> None:
        for start in range(0, len(pending), max(1, evaluator.batch_size)):
            batch = pending[start : start + max(1, evaluator.batch_size)]
            answers = [one.answer for one in batch]
            results = judge_each(evaluator, answers, ends=(SoftTimeLimitExceeded,))
            for one, result in zip(batch, results, strict=True):
                key = one.key
                if not isinstance(result, Exception):
                    outcome.scores += _rows(one, evaluator, wanted, result)
                    outcome.jobs.append(self._close(hint, key, wanted, DONE))
                    continue
                reason = f"{type(result).__name__}: {result}"
                outcome.jobs.append(self._close(hint, key, wanted, FAILED, reason))
                if (key.trace_id, key.span_id, wanted.evaluator) not in settled:
                    told = failures(evaluator, result)  # told once, not per attempt
                    outcome.scores += _rows(one, evaluator, wanted, told)

    def _awaits_trace(self, evaluator: Evaluator, one: Loaded) -> bool:
        if "context" not in evaluator.needs or one.answer.context or one.is_complete:
            return False
        age_s = time.time() - one.stored_us / 1e6
        return age_s < self._settings.context_wait_s

    def _close(
        self, hint: Hint, key: AnswerKey, wanted: Wanted, state: str, error: str | None = None
    ) -> JobRow:
        pause_s = 0.0
        if state == LEASED:
            pause_s = self._settings.context_retry_s
        elif state == FAILED:
            pause_s = self._settings.retry_pause_s * 2 ** (hint.attempt - 1)
        return lease(
            hint.project,
            key,
            wanted,
            state=state,
            attempt=hint.attempt,
            due_at=datetime.now(UTC) + timedelta(seconds=pause_s),
            error=error,
        )


def _rows(
    one: Loaded,
    evaluator: Evaluator,
    wanted: Wanted,
    scores: Sequence[Score],
) -> list[ScoreRow]:
    """Rows whose weight is the inverse of the probability that the answer was sampled with."""
    answer = one.answer
    return [
        ScoreRow(
            project=answer.project,
            trace_id=answer.trace_id,
            span_id=answer.span_id,
            span_time=answer.span_time,
            evaluator=evaluator.name,
            evaluator_version=evaluator.version,
            name=score.name,
            source=ScoreSource.EVALUATOR,
            value=score.value,
            label=score.label,
            explanation=score.explanation[:MAX_EXPLANATION_CHARS] if score.explanation else None,
            offsets=list(score.offsets)[:MAX_OFFSETS],
            error_type=score.error_type,
            model=answer.model,
            tenant=answer.tenant,
            variant=answer.variant,
            duration_ns=score.duration_ns,
            cost=score.cost,
            sample_weight=1.0 / wanted.sample_rate,
            created_at=datetime.now(UTC),
            expires_on=one.expires_on,
        )
        for score in scores
    ]
