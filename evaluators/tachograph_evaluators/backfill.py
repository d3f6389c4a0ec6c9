"""Backfills: judging answers of any past range, bit by bit, behind what is new.

A backfill is a row of `jobs`: what it is to do, and the position up to which its answers are leased.
Whoever plans carries it on, so it survives every restart; the scores themselves say what is done.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from tachograph_evaluators.dispatch import Dispatch, Done, now_us
from tachograph_evaluators.leases import (
    DONE,
    EPOCH,
    FOREVER,
    RUNNING,
    SKIPPED,
    Wanted,
    lease,
    moment,
)
from tachograph_evaluators.rules.sampling import permanent_number
from tachograph_store.client import Store
from tachograph_store.queries.backfill import BackfillRow, backfill_answers, backfill_list
from tachograph_store.queries.evaluation import AnswerKey, Candidate
from tachograph_store.rows import JobRow

KIND: Final = "backfill"
CANCELLED: Final = "cancelled"
_MOST_AT_ONCE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """What one backfill is to do; times are nanoseconds since the epoch, `until_ns` excluded."""

    project: str
    backfill_id: str
    since_ns: int
    until_ns: int
    evaluators: Sequence[str]  # name@version: fixed when it begins
    sample_rate: float
    position_ns: int  # everything before is leased, scored or left out
    state: str = RUNNING

    def row(self) -> JobRow:
        """As `jobs` keeps it."""
        document = {
            "since_ns": self.since_ns,
            "until_ns": self.until_ns,
            "evaluators": list(self.evaluators),
            "sample_rate": self.sample_rate,
            "position_ns": self.position_ns,
        }
        return JobRow(
            project=self.project,
            kind=KIND,
            evaluator=self.backfill_id,
            state=self.state,
            due_at=moment(now_us()),
            cursor=json.dumps(document),
            created_at=EPOCH,
            expires_on=FOREVER,
        )

    @classmethod
    def parse(cls, row: BackfillRow) -> "Backfill":
        """The same from its row."""
        document = json.loads(row.cursor)
        return cls(
            project=row.project,
            backfill_id=row.backfill_id,
            since_ns=int(document["since_ns"]),
            until_ns=int(document["until_ns"]),
            evaluators=[str(name) for name in document["evaluators"]],
            sample_rate=float(document["sample_rate"]),
            position_ns=int(document["position_ns"]),
            state=row.state,
        )


def new_backfill(
    project: str, since_ns: int, until_ns: int, evaluators: Sequence[str], sample_rate: float
) -> Backfill:
    """One that has not begun; ids sort by time."""
    began = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return Backfill(
        project=project,
        backfill_id=f"{began}-{uuid.uuid4().hex[:6]}",
        since_ns=since_ns,
        until_ns=until_ns,
        evaluators=sorted(evaluators),
        sample_rate=sample_rate,
        position_ns=since_ns,
    )


class Backfiller:
    """Carries running backfills on with what room is left: half the queue is kept for new answers."""

    def __init__(self, store: Store, dispatch: Dispatch) -> None:
        self._store = store
        self._dispatch = dispatch

    def run(self) -> Done:
        """One step of every running backfill. Raises StoreError."""
        done = Done()
        self._dispatch.begin()
        kept_free = self._dispatch.settings.max_queued_batches // 2
        for row in backfill_list(self._store):
            if row.state != RUNNING:
                continue
            one = Backfill.parse(row)
            room = (self._dispatch.room() - kept_free) * self._dispatch.batch_answers(
                one.evaluators
            )
            if room <= 0:
                break
            done += self._step(one, min(room, _MOST_AT_ONCE))
        return done

    def _step(self, one: Backfill, limit: int) -> Done:
        found = backfill_answers(
            self._store, one.project, one.position_ns, one.until_ns, one.evaluators, limit
        )
        groups: dict[tuple[Sequence[Wanted], int], list[tuple[AnswerKey, int]]] = defaultdict(list)
        rows: list[JobRow] = []
        for answer in found:
            wanted = _lacking(one, answer)
            number = permanent_number(answer.project, answer.trace_id, answer.span_id)
            if number < one.sample_rate:
                groups[tuple(wanted), 1].append((answer.key, answer.text_bytes))
            else:
                rows += [_left_out(one, answer, each) for each in wanted]
        skipped = len(rows)
        is_last = len(found) < limit
        moved = replace(
            one,
            position_ns=one.until_ns if is_last else found[-1].start_ns,
            state=DONE if is_last else RUNNING,
        )
        done = self._dispatch.add(one.project, groups, rows)
        self._dispatch.flush()
        # After the leases: killed in between, the same answers are asked for again and none is lost
        self._dispatch.writer.write("jobs", [moved.row()])
        return done + Done(skipped=skipped)


def _lacking(one: Backfill, answer: Candidate) -> list[Wanted]:
    known = set(answer.evaluators)
    return [Wanted(name, one.sample_rate) for name in one.evaluators if name not in known]


def _left_out(one: Backfill, answer: Candidate, wanted: Wanted) -> JobRow:
    return lease(
        one.project,
        answer.key,
        wanted,
        state=SKIPPED,
        attempt=0,
        due_at=moment(now_us()),
        error=f"left out by backfill {one.backfill_id}",
    )
