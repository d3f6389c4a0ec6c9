"""The planner: finds answers without a decision, decides by the rules, leases, sends hints.

The store is the truth of what is unscored. `plan` reads by `stored_at` from each project's cursor minus
an overlap, all projects by one query. It only ever adds hints, and a hint that is sent twice is
harmless.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tachograph_evaluators.dispatch import Dispatch, Done, now_us, shares
from tachograph_evaluators.leases import SKIPPED, Wanted, cursor, lease, moment, split
from tachograph_evaluators.rules.rule import RuleBook
from tachograph_evaluators.rules.sampling import behind_factor, decide, priority_of
from tachograph_evaluators.throughput import drain_s
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import (
    AnswerKey,
    Candidate,
    evaluation_cursors,
)
from tachograph_store.queries.told import find_candidates
from tachograph_store.rows import JobRow

PLAN: Final = "plan"
SAMPLING: Final = "sampling"
"""Name of the cursor that says how far sampling was dropped: JSON of `factor`, `drain_s`, `at`."""

READ_AHEAD: Final = 5000
"""Answers of a project that one look reads: among these the most urgent go first."""

_CURSOR_EVERY_S: Final = 30.0  # an idle project's cursor need not be written each time
_SETTLE_S: Final = 0.5  # rows of one insert may carry slightly different instants

_log = logging.getLogger(__name__)


class Planner:
    """One run of planning; state lives in the store. `rules` gives the rules in force."""

    def __init__(self, store: Store, dispatch: Dispatch, rules: Callable[[], RuleBook]) -> None:
        self._store = store
        self._dispatch = dispatch
        self._rules = rules
        self._factors: dict[str, float] = {}
        self._said: list[JobRow] = []

    def plan(self) -> Done:
        """Decide about what was stored since the cursor of each project, as far as the queue has
        room. Raises StoreError, RuleFileError."""
        settings = self._dispatch.settings
        book = self._rules()
        self._dispatch.begin()
        if self._dispatch.room() <= 0:
            return Done()
        now = now_us()
        horizon_us = now - int((settings.backfill_window_s + 1) * 1e6)
        until_us = now - int(_SETTLE_S * 1e6)
        cursors = {p: int(at) for p, at in evaluation_cursors(self._store, PLAN).items()}
        sinces = {
            project: max(horizon_us, at - int(settings.overlap_s * 1e6))
            for project, at in cursors.items()
        }
        found = find_candidates(
            self._store, sinces, horizon_us, until_us, self._dispatch.evaluators, READ_AHEAD
        )
        by_project: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in found:
            by_project[candidate.project].append(candidate)
        done = Done()
        reached: dict[str, int] = {}
        for project, candidates, limit in shares(by_project, self._dispatch.room_in_answers):
            waiting = estimated_waiting(candidates, until_us)
            takes_s = drain_s(waiting, self._dispatch.throughput.answers_per_s, len(by_project))
            factor = self._factor(book, project, takes_s, waiting)
            left, made = self.take(book, candidates, factor, limit)
            done += made
            if left:
                reached[project] = min(candidate.stored_us for candidate in left)
            else:
                is_all = len(candidates) < READ_AHEAD
                reached[project] = until_us if is_all else candidates[-1].stored_us
        self._dispatch.flush()
        self._save(cursors, by_project, reached, now, until_us)
        return done

    def take(
        self, book: RuleBook, candidates: Sequence[Candidate], factor: float, limit: int
    ) -> tuple[Sequence[Candidate], Done]:
        """Decide about one project's answers, the most urgent first, until `limit` are taken.

        Returns those that were not reached.
        """
        names = self._dispatch.names
        urgent = sorted(candidates, key=lambda one: (-priority_of(book, one, names), one.stored_us))
        groups: dict[tuple[Sequence[Wanted], int], list[tuple[AnswerKey, int]]] = defaultdict(list)
        skipped: list[JobRow] = []
        taken = decided = 0
        now = moment(now_us())
        for candidate in urgent:
            if taken >= limit:
                break
            decided += 1
            wanted: list[Wanted] = []
            known = set(candidate.evaluators)
            for evaluator in self._dispatch.evaluators:
                if evaluator in known:
                    continue
                decision = decide(book, candidate, split(evaluator)[0], factor)
                one = Wanted(evaluator, decision.sample_rate)
                if decision.is_taken:
                    wanted.append(one)
                else:
                    skipped.append(
                        lease(
                            candidate.project,
                            candidate.key,
                            one,
                            state=SKIPPED,
                            attempt=0,
                            due_at=now,
                            error=decision.reason,
                        )
                    )
            if wanted:
                taken += 1
                groups[tuple(wanted), 1].append((candidate.key, candidate.text_bytes))
        project = candidates[0].project if candidates else ""
        done = self._dispatch.add(project, groups, skipped)
        return urgent[decided:], done + Done(skipped=len(skipped))

    def _factor(self, book: RuleBook, project: str, takes_s: float, waiting: float) -> float:
        """How far sampling drops now; says so when it changes by half or ends."""
        factor = behind_factor(takes_s, book.behind)
        before = self._factors.get(project, 1.0)
        if factor < 1.0 and (before == 1.0 or not 0.5 < factor / before < 2.0):
            _log.warning(
                "project %s is behind: about %.0f answers wait, %.0f s of work; judging %.1f %% of "
                "what the rules want",
                *(project, waiting, takes_s, 100 * factor),
            )
            self._factors[project] = factor
        elif factor == 1.0 and before < 1.0:
            _log.warning("project %s has caught up: judging all that the rules want", project)
            del self._factors[project]
        if factor < 1.0 or before < 1.0:
            now = now_us()
            state = {"factor": round(factor, 6), "drain_s": round(takes_s, 1), "at": now / 1e6}
            self._said.append(cursor(project, SAMPLING, json.dumps(state), moment(now)))
        return factor

    def _save(
        self,
        cursors: Mapping[str, int],
        found: Mapping[str, Sequence[Candidate]],
        reached: Mapping[str, int],
        now: int,
        until_us: int,
    ) -> None:
        """The new cursors: those of projects where something was decided, and of idle ones now and
        then. A project whose turn did not come keeps its own."""
        moved = dict(reached)
        for project, position_us in cursors.items():
            is_idle = project not in found
            if is_idle and until_us - position_us > _CURSOR_EVERY_S * 1e6:
                moved[project] = until_us
        rows = [cursor(project, PLAN, str(at), moment(now)) for project, at in moved.items()]
        if rows or self._said:
            self._dispatch.writer.write("jobs", [*rows, *self._said])
            self._said.clear()


def estimated_waiting(candidates: Sequence[Candidate], until_us: int) -> float:
    """Answers of a project that wait for their decision; beyond the read-ahead as dense as in it."""
    read_us = candidates[-1].stored_us - candidates[0].stored_us
    if len(candidates) < READ_AHEAD or read_us <= 0:
        return float(len(candidates))
    return len(candidates) * max(1.0, (until_us - candidates[0].stored_us) / read_us)
