"""The planner: finds answers without a lease, leases them, sends hints; the sweep mends the rest.

The store is the truth of what is unscored. `plan` reads by `stored_at` from its cursor minus an
overlap; `sweep` sends leases again that ran out and compares, now and then, all recent answers
with all scores. Both only ever add hints, and a hint that is sent twice is harmless.
"""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tachograph_evaluators.hints import Hint, bounded_batches
from tachograph_evaluators.leases import (
    LEASED,
    PARKED,
    cursor,
    lease,
    leases,
    moment,
)
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import (
    AnswerKey,
    Candidate,
    DueLease,
    evaluation_candidates,
    evaluation_cursor,
    evaluation_due,
    evaluation_missing,
    evaluation_projects,
    evaluation_waiting,
)
from tachograph_store.rows import JobRow
from tachograph_store.writer import Writer

_PLAN: Final = "plan"
_ANTI_JOIN: Final = "anti_join"
_CURSOR_EVERY_S: Final = 30.0  # an idle project's cursor need not be written each time
_SETTLE_S: Final = 0.5  # rows of one insert may carry slightly different instants
_BEGIN_S: Final = 2.0  # from a worker's look at the clock to its word that it has begun
_TYPICAL_BYTES: Final = 20_000  # of a lease sent again: its size is not known

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run did."""

    leased: int
    hints: int


class Planner:
    """One run of planning and sweeping; state lives in the store.

    `send` puts a hint on the queue; `room` says how many batches the queue still takes.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        settings: EvaluatorSettings,
        evaluators: Sequence[str],
        send: Callable[[Hint], None],
        room: Callable[[], int],
    ) -> None:
        self._store = store
        self._writer = writer
        self._settings = settings
        self._evaluators = sorted(evaluators)
        self._send = send
        self._room = room

    def plan(self) -> Plan:
        """Lease what was stored since the cursor of each project, as far as the queue has room."""
        now_us = _now_us()
        horizon_us = now_us - int((self._settings.backfill_window_s + 1) * 1e6)
        leased = hints = 0
        for project, limit in self._shares(evaluation_projects(self._store, horizon_us)):
            done = self._plan_project(project, now_us, horizon_us, limit)
            leased, hints = leased + done.leased, hints + done.hints
        return Plan(leased=leased, hints=hints)

    def _shares(self, projects: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Projects in random order, each with a fair share of the queue's room, in answers."""
        shuffled = random.sample(list(projects), len(projects))
        for position, project in enumerate(shuffled):
            room = self._room()
            if room <= 0:
                return
            yield project, max(1, room // (len(shuffled) - position)) * self._settings.batch_answers

    def _plan_project(self, project: str, now_us: int, horizon_us: int, limit: int) -> Plan:
        saved = evaluation_cursor(self._store, project, _PLAN)
        position_us = int(saved) if saved else horizon_us
        since_us = max(horizon_us, position_us - int(self._settings.overlap_s * 1e6))
        until_us = now_us - int(_SETTLE_S * 1e6)
        found = evaluation_candidates(
            self._store, project, since_us, until_us, self._evaluators, limit
        )
        done = self._lease(project, found)
        reached_us = found[-1].stored_us if len(found) == limit else until_us
        if found or reached_us - position_us > _CURSOR_EVERY_S * 1e6:
            self._writer.write("jobs", [cursor(project, _PLAN, str(reached_us), moment(now_us))])
        return done

    def _lease(self, project: str, found: Sequence[Candidate]) -> Plan:
        """Lease first, send second: what is sent and lost comes back when its lease runs out."""
        by_missing: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
        for candidate in found:
            known = set(candidate.evaluators)
            missing = tuple(name for name in self._evaluators if name not in known)
            by_missing[missing].append(candidate)
        rows: list[JobRow] = []
        hints: list[Hint] = []
        for missing, candidates in by_missing.items():
            for keys in self._batches([(one.key, one.text_bytes) for one in candidates]):
                rows += self._leased(project, keys, missing, 1)
                hints.append(self._hint(project, keys, missing, 1))
        self._store_and_send(rows, hints)
        return Plan(leased=len(rows), hints=len(hints))

    def sweep(self) -> Plan:
        """Send due leases again, park what failed too often, and anti-join when it is time."""
        now_us = _now_us()
        leased = hints = 0
        for project, limit in self._shares(evaluation_waiting(self._store, now_us)):
            due = evaluation_due(self._store, project, now_us, limit * len(self._evaluators))
            done = self._send_again(project, due)
            leased, hints = leased + done.leased, hints + done.hints
        done = self._anti_join(now_us)
        return Plan(leased=leased + done.leased, hints=hints + done.hints)

    def _send_again(self, project: str, due: Sequence[DueLease]) -> Plan:
        """What never began keeps its attempt. After a failure or a death each answer goes alone,
        so that a poisonous one cannot take its neighbours along."""
        rows: list[JobRow] = []
        groups: dict[tuple[str, int], list[AnswerKey]] = defaultdict(list)
        for one in due:
            attempt = one.attempt if one.state == LEASED else one.attempt + 1
            if attempt > self._settings.max_attempts:
                rows.append(self._parked(project, one))
            else:
                groups[f"{one.evaluator}@{one.evaluator_version}", attempt].append(_key(one))
        hints: list[Hint] = []
        for (name, attempt), keys in groups.items():
            size = _TYPICAL_BYTES if attempt == 1 else self._settings.batch_bytes
            for batch in self._batches([(key, size) for key in keys]):
                rows += self._leased(project, batch, [name], attempt)
                hints.append(self._hint(project, batch, [name], attempt))
        self._store_and_send(rows, hints)
        return Plan(leased=sum(row.state == LEASED for row in rows), hints=len(hints))

    def _parked(self, project: str, one: DueLease) -> JobRow:
        name = f"{one.evaluator}@{one.evaluator_version}"
        reason = one.error or f"its worker died or took over {self._settings.time_limit_s:g} s"
        _log.warning("parked %s of span %s: %s", name, one.span_id, reason)
        return lease(
            project,
            _key(one),
            name,
            state=PARKED,
            attempt=one.attempt,
            due_at=moment(_now_us()),
            error=reason,
        )

    def _anti_join(self, now_us: int) -> Plan:
        settings = self._settings
        horizon_us = now_us - int(settings.backfill_window_s * 1e6)
        until_us = now_us - int(
            (settings.start_limit_s + settings.time_limit_s + settings.overlap_s) * 1e6
        )
        leased = hints = 0
        for project, limit in self._shares(evaluation_projects(self._store, horizon_us)):
            saved = evaluation_cursor(self._store, project, _ANTI_JOIN)
            if saved and now_us - int(saved) < settings.anti_join_interval_s * 1e6:
                continue
            found = evaluation_missing(
                self._store, project, horizon_us, until_us, self._evaluators, limit
            )
            done = self._lease(project, found)
            leased, hints = leased + done.leased, hints + done.hints
            if len(found) < limit:  # otherwise there is more: look again with the next sweep
                row = cursor(project, _ANTI_JOIN, str(now_us), moment(now_us))
                self._writer.write("jobs", [row])
        return Plan(leased=leased, hints=hints)

    def _store_and_send(self, rows: Sequence[JobRow], hints: Sequence[Hint]) -> None:
        if rows:
            self._writer.write("jobs", rows)
        for hint in hints:
            self._send(hint)

    def _batches(self, sized: Sequence[tuple[AnswerKey, int]]) -> list[list[AnswerKey]]:
        settings = self._settings
        return list(bounded_batches(sized, settings.batch_answers, settings.batch_bytes))

    def _hint(
        self, project: str, keys: Sequence[AnswerKey], evaluators: Sequence[str], attempt: int
    ) -> Hint:
        return Hint(
            project=project,
            keys=keys,
            evaluators=evaluators,
            attempt=attempt,
            start_by=time.time() + self._settings.start_limit_s,
        )

    def _leased(
        self, project: str, keys: Sequence[AnswerKey], evaluators: Sequence[str], attempt: int
    ) -> list[JobRow]:
        due_at = moment(_now_us()) + timedelta(seconds=self._settings.start_limit_s + _BEGIN_S)
        return leases(project, keys, evaluators, state=LEASED, attempt=attempt, due_at=due_at)


def _key(one: DueLease) -> AnswerKey:
    return AnswerKey(trace_id=one.trace_id, span_id=one.span_id, start_us=one.created_us)


def _now_us() -> int:
    return time.time_ns() // 1000
