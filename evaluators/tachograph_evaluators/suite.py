"""Several evaluators over one batch: shared embeddings, one bad answer spoils no other."""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from tachograph_evaluators import heap
from tachograph_evaluators.evaluator import (
    ERROR,
    MAX_EXPLANATION_CHARS,
    Answer,
    Embeds,
    Evaluator,
    Score,
    not_applicable,
)

_LONG_NS: Final = 100_000_000  # models were at work: what they used for a moment goes back

_log = logging.getLogger(__name__)


class WrongScores(ValueError):
    """An evaluator gave other scores than it promised."""


def judge_batch(
    evaluators: Iterable[Evaluator], batch: Sequence[Answer]
) -> list[list[Sequence[Score]]]:
    """The scores of each answer by each evaluator, in order; failures are scores labelled `error`.

    Every score carries `duration_ns`: its evaluator's share of the batch where it gave none itself.
    """
    chosen = list(evaluators)
    embed_once(chosen, batch)
    columns = [_judge(evaluator, batch) for evaluator in chosen]
    return [[column[row] for column in columns] for row in range(len(batch))]


def embed_once(evaluators: Iterable[Evaluator], batch: Sequence[Answer]) -> None:
    """One pass of the encoder for whatever the evaluators will ask it; they find it in its cache."""
    texts: dict[str, None] = {}
    for evaluator in evaluators:
        if isinstance(evaluator, Embeds):
            ready = [answer for answer in batch if lacks(evaluator, answer) is None]
            try:
                texts.update(dict.fromkeys(evaluator.texts(ready)))
            except Exception:  # noqa: BLE001 - a plugin may raise anything; judging will tell
                _log.exception("evaluator %r cannot say what it embeds", evaluator.name)
    if texts:
        # Deferred: the encoder brings torch, which a suite of pattern evaluators does without.
        from tachograph_evaluators.judges.models import encoder

        encoder().encode(list(texts))
        heap.trim()


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


def _judge(evaluator: Evaluator, batch: Sequence[Answer]) -> list[Sequence[Score]]:
    return [
        failures(evaluator, result) if isinstance(result, Exception) else result
        for result in judge_each(evaluator, batch)
    ]


def judge_each(
    evaluator: Evaluator, batch: Sequence[Answer], ends: tuple[type[Exception], ...] = ()
) -> list[Sequence[Score] | Exception]:
    """The scores of each answer in order, or what the evaluator raised for it.

    A batch that raises is tried again answer by answer: one bad answer spoils no other.

    Args:
        ends: exceptions that are no fault of an answer; they are raised.
    """
    found: dict[int, Sequence[Score] | Exception] = {}
    ready: list[int] = []
    for index, answer in enumerate(batch):
        reason = lacks(evaluator, answer)
        if reason is None:
            ready.append(index)
        else:
            found[index] = [not_applicable(name, reason) for name in evaluator.scores]
    step = max(1, evaluator.batch_size)
    for start in range(0, len(ready), step):
        part = ready[start : start + step]
        judged = _judge_ready(evaluator, [batch[index] for index in part], ends)
        found.update(zip(part, judged, strict=True))
    return [found[index] for index in range(len(batch))]


def _judge_ready(
    evaluator: Evaluator, ready: Sequence[Answer], ends: tuple[type[Exception], ...]
) -> Sequence[Sequence[Score] | Exception]:
    try:
        return timed(evaluator, ready)
    except ends:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it is recorded
        if len(ready) == 1:
            return [error]
        _log.warning("%s failed on a batch of %d: %r", evaluator.name, len(ready), error)
        return [_judge_ready(evaluator, [answer], ends)[0] for answer in ready]


def timed(evaluator: Evaluator, ready: Sequence[Answer]) -> list[Sequence[Score]]:
    """Judge answers that lack nothing, check what came, and fill in the durations.

    Raises WrongScores for what the protocol forbids, and whatever the evaluator raises.
    """
    started_ns = time.perf_counter_ns()
    judged = list(evaluator.evaluate(ready))
    took_ns = time.perf_counter_ns() - started_ns
    if took_ns > _LONG_NS:
        heap.trim()
    share_ns = took_ns // max(1, len(ready))
    if len(judged) != len(ready):
        raise WrongScores(f"{evaluator.name} judged {len(judged)} of {len(ready)} answers")
    for scores in judged:
        names = sorted(score.name for score in scores)
        if names != sorted(evaluator.scores):
            raise WrongScores(f"{evaluator.name} gave {names}, it promises {evaluator.scores}")
        if any(score.value is not None and not math.isfinite(score.value) for score in scores):
            raise WrongScores(f"{evaluator.name} gave a value that is no number")
    return [
        [s if s.duration_ns is not None else replace(s, duration_ns=share_ns) for s in scores]
        for scores in judged
    ]
