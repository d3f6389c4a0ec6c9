"""Scoring one hint: load, skip what is scored, judge, write scores, then close the leases."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded

from tachograph.semconv.values import ScoreSource
from tachograph_evaluators.answers import Loaded, load
from tachograph_evaluators.evaluator import (
    ERROR,
    MAX_EXPLANATION_CHARS,
    MAX_OFFSETS,
    Answer,
    Evaluator,
    Score,
    not_applicable,
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
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import AnswerKey, Settled, evaluation_scored
from tachograph_store.rows import JobRow, ScoreRow
from tachograph_store.writer import Writer

_GRACE_S: Final = 2.0  # between the time limit and the process being gone

_log = logging.getLogger(__name__)


class WrongScores(ValueError):
    """An evaluator gave other scores than it promised."""


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
        loaded = load(self._store, hint.project, hint.keys)
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
            for wanted in hint.wanted:
                self._judge(hint, wanted, loaded, settled, outcome)
        finally:  # at the time limit, too: what is judged need not be judged again
            self._keep(outcome)
        return len(outcome.scores)

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

    def _judge(
        self,
        hint: Hint,
        wanted: Wanted,
        loaded: Mapping[AnswerKey, Loaded],
        settled: Mapping[tuple[str, str, str], Settled],
        outcome: _Outcome,
    ) -> None:
        name = wanted.evaluator
        evaluator = self._evaluators.get(name)
        if evaluator is None:
            reason = f"evaluator {name} is not installed in this worker"
            outcome.jobs += [self._close(hint, key, wanted, FAILED, reason) for key in loaded]
            return
        pending: list[Loaded] = []
        for key, one in loaded.items():
            earlier = settled.get((key.trace_id, key.span_id, name))
            if earlier is not None and not earlier.is_error:
                outcome.jobs.append(self._close(hint, key, wanted, DONE))
            elif self._awaits_trace(evaluator, one):
                outcome.jobs.append(self._close(hint, key, wanted, LEASED, AWAITING_TRACE))
            else:
                pending.append(one)
        for start in range(0, len(pending), max(1, evaluator.batch_size)):
            batch = pending[start : start + max(1, evaluator.batch_size)]
            for one, result, duration_ns in evaluate_each(evaluator, batch):
                key = one.key
                if not isinstance(result, Exception):
                    outcome.scores += _rows(one, evaluator, wanted, result, duration_ns)
                    outcome.jobs.append(self._close(hint, key, wanted, DONE))
                    continue
                reason = f"{type(result).__name__}: {result}"
                outcome.jobs.append(self._close(hint, key, wanted, FAILED, reason))
                if (key.trace_id, key.span_id, name) not in settled:  # told once, not per attempt
                    told = failures(evaluator, result)
                    outcome.scores += _rows(one, evaluator, wanted, told, None)

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


def evaluate_each(
    evaluator: Evaluator, batch: Sequence[Loaded]
) -> list[tuple[Loaded, Sequence[Score] | Exception, int]]:
    """Each answer with its scores, or with what the evaluator raised for it, and nanoseconds.

    A batch that raises is tried again answer by answer: one bad answer spoils no other.
    """
    results: list[tuple[Loaded, Sequence[Score] | Exception, int]] = []
    ready: list[Loaded] = []
    for one in batch:
        reason = lacks(evaluator, one.answer)
        if reason is None:
            ready.append(one)
        else:
            results.append((one, [not_applicable(n, reason) for n in evaluator.scores], 0))
    if not ready:
        return results
    try:
        judged, share_ns = _timed(evaluator, ready)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it is recorded
        if len(ready) == 1:
            return [*results, (ready[0], error, 0)]
        _log.warning("%s failed on a batch of %d: %r", evaluator.name, len(ready), error)
        for one in ready:
            results += evaluate_each(evaluator, [one])
        return results
    return [*results, *((one, s, share_ns) for one, s in zip(ready, judged, strict=True))]


def _timed(evaluator: Evaluator, ready: Sequence[Loaded]) -> tuple[list[Sequence[Score]], int]:
    started_ns = time.perf_counter_ns()
    judged = list(evaluator.evaluate([one.answer for one in ready]))
    share_ns = (time.perf_counter_ns() - started_ns) // len(ready)
    if len(judged) != len(ready):
        raise WrongScores(f"{evaluator.name} judged {len(judged)} of {len(ready)} answers")
    for scores in judged:
        names = sorted(score.name for score in scores)
        if names != sorted(evaluator.scores):
            raise WrongScores(f"{evaluator.name} gave {names}, it promises {evaluator.scores}")
        if any(score.value is not None and not math.isfinite(score.value) for score in scores):
            raise WrongScores(f"{evaluator.name} gave a value that is no number")
    return judged, share_ns


def lacks(evaluator: Evaluator, answer: Answer) -> str | None:
    """Why the evaluator does not apply to the answer, None when it does."""
    for need in ("response", "prompt", "context"):
        if need in evaluator.needs and not (getattr(answer, need) or "").strip():
            return f"no {need} was recorded"
    return None


def failures(evaluator: Evaluator, error: Exception) -> list[Score]:
    """The scores that record a failure."""
    return [
        Score(
            name=name,
            value=None,
            label=ERROR,
            explanation=str(error)[:MAX_EXPLANATION_CHARS],
            error_type=type(error).__name__,
        )
        for name in evaluator.scores
    ]


def _rows(
    one: Loaded,
    evaluator: Evaluator,
    wanted: Wanted,
    scores: Sequence[Score],
    duration_ns: int | None,
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
            duration_ns=duration_ns,
            cost=score.cost,
            sample_weight=1.0 / wanted.sample_rate,
            created_at=datetime.now(UTC),
            expires_on=one.expires_on,
        )
        for score in scores
    ]
