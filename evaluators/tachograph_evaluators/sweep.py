"""The sweep: sends leases again that ran out, parks what failed too often, and compares, now and
then, all recent answers with all scores."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from tachograph_evaluators.dispatch import Dispatch, Done, now_us, shares
from tachograph_evaluators.leases import LEASED, PARKED, Wanted, cursor, lease, moment
from tachograph_evaluators.planner import READ_AHEAD, Planner
from tachograph_evaluators.rules.rule import RuleBook
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import (
    AnswerKey,
    DueLease,
    evaluation_cursors,
    evaluation_due,
    evaluation_projects,
)
from tachograph_store.queries.told import find_missing
from tachograph_store.rows import JobRow

_ANTI_JOIN: Final = "anti_join"
_TYPICAL_BYTES: Final = 20_000  # of a lease sent again: its size is not known

_log = logging.getLogger(__name__)


class Sweep:
    """One run of sweeping; state lives in the store."""

    def __init__(
        self, store: Store, dispatch: Dispatch, planner: Planner, rules: Callable[[], RuleBook]
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._planner = planner
        self._rules = rules

    def sweep(self) -> Done:
        """Send due leases again, park what failed too often, and anti-join when it is time.

        Raises StoreError, RuleFileError.
        """
        now = now_us()
        self._dispatch.begin()
        due: dict[str, list[DueLease]] = defaultdict(list)
        if self._dispatch.room() > 0:
            for one in evaluation_due(self._store, now, READ_AHEAD):
                due[one.project].append(one)
        done = Done()
        for project, leases, limit in shares(due, self._dispatch.room_in_answers):
            done += self._send_again(project, leases, limit)
        self._dispatch.flush()
        return done + self._anti_join(now)

    def _send_again(self, project: str, due: Sequence[DueLease], limit: int) -> Done:
        """What never began keeps its attempt. After a failure or a death each answer goes alone
        with each evaluator, so that a poisonous one cannot take its neighbours along."""
        rows: list[JobRow] = []
        fresh: dict[AnswerKey, list[Wanted]] = defaultdict(list)
        groups: dict[tuple[Sequence[Wanted], int], list[tuple[AnswerKey, int]]] = defaultdict(list)
        alone = 0
        for one in due:
            key, wanted = _key(one), _wanted(one)
            if one.state == LEASED and one.attempt <= 1:
                if key in fresh or len(fresh) < limit:
                    fresh[key].append(wanted)
                continue
            attempt = one.attempt if one.state == LEASED else one.attempt + 1
            if attempt > self._dispatch.settings.max_attempts:
                rows.append(self._parked(project, one))
            elif alone < limit:
                alone += 1
                groups[(wanted,), attempt].append((key, self._dispatch.settings.batch_bytes))
        for key, all_wanted in fresh.items():
            groups[tuple(sorted(all_wanted)), 1].append((key, _TYPICAL_BYTES))
        return self._dispatch.add(project, groups, rows)

    def _parked(self, project: str, one: DueLease) -> JobRow:
        limit_s = self._dispatch.settings.time_limit_s
        reason = one.error or f"its worker died or took over {limit_s:g} s"
        name = f"{one.evaluator}@{one.evaluator_version}"
        _log.warning("parked %s of span %s: %s", name, one.span_id, reason)
        return lease(
            project,
            _key(one),
            _wanted(one),
            state=PARKED,
            attempt=one.attempt,
            due_at=moment(now_us()),
            error=reason,
        )

    def _anti_join(self, now: int) -> Done:
        settings = self._dispatch.settings
        horizon_us = now - int(settings.backfill_window_s * 1e6)
        settled_s = settings.start_limit_s + settings.time_limit_s + settings.overlap_s
        until_us = now - int(settled_s * 1e6)
        saved = evaluation_cursors(self._store, _ANTI_JOIN)
        ready_us = now - int(settings.anti_join_interval_s * 1e6)
        done = Done()
        compared: list[JobRow] = []
        for project in evaluation_projects(self._store, horizon_us):
            room = self._dispatch.room_in_answers()
            if int(saved.get(project, 0)) > ready_us:
                continue
            if room <= 0:
                break
            found = find_missing(
                self._store, project, horizon_us, until_us, self._dispatch.evaluators, READ_AHEAD
            )
            left, made = self._planner.take(self._rules(), found, 1.0, room)
            done += made
            if not left and len(found) < READ_AHEAD:  # otherwise there is more: with the next sweep
                compared.append(cursor(project, _ANTI_JOIN, str(now), moment(now)))
        self._dispatch.flush()
        if compared:
            self._dispatch.writer.write("jobs", compared)
        return done


def _wanted(one: DueLease) -> Wanted:
    return Wanted(f"{one.evaluator}@{one.evaluator_version}", one.sample_rate)


def _key(one: DueLease) -> AnswerKey:
    return AnswerKey(trace_id=one.trace_id, span_id=one.span_id, start_us=one.created_us)
