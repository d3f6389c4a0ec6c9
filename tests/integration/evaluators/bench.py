"""A planner, a sweep and a scorer without a queue, for tests against the real store."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tachograph_evaluators.backfill import Backfiller
from tachograph_evaluators.dispatch import Dispatch
from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.hints import Hint
from tachograph_evaluators.leases import RUNNING, leases
from tachograph_evaluators.planner import Planner
from tachograph_evaluators.rules.rule import RuleBook
from tachograph_evaluators.scoring import Scorer
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_evaluators.sweep import Sweep
from tachograph_store.client import Store
from tachograph_store.writer import Writer


class Fixed:
    """Scores everything 1."""

    name = "fixed"
    version = "1"
    scores = ("fixed",)
    needs = frozenset({"response"})
    batch_size = 64

    def warm_up(self) -> None:
        """Nothing to load."""

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """One score an answer."""
        return [[Score(name="fixed", value=1.0, label="pass")] for _ in batch]


class Bench:
    """A planner and a scorer without a queue: what is sent lies in `sent`."""

    def __init__(self, reader: Store, writer: Writer, project: str, **settings: Any) -> None:
        known: dict[str, Any] = {
            "overlap_s": 600,
            "backfill_window_s": 600,
            "start_limit_s": 300,  # longer than any machine takes: `lapse` ends a lease
            "time_limit_s": 300,
            "batch_answers": 4,
        }
        self.settings = EvaluatorSettings(**(known | settings))
        self.sent: list[Hint] = []
        self.writer = writer
        self.project = project
        self.book = RuleBook()
        self.dispatch = Dispatch(
            writer,
            self.settings,
            {"fixed@1": Fixed.batch_size},
            self._send,
            lambda: self.settings.max_queued_batches - len(self.sent),
        )
        self.planner = Planner(reader, self.dispatch, lambda: self.book)
        self.sweep = Sweep(reader, self.dispatch, self.planner, lambda: self.book).sweep
        self.backfiller = Backfiller(reader, self.dispatch)
        self.scorer = Scorer(reader, writer, self.settings, {"fixed@1": Fixed()})

    def _send(self, hint: Hint) -> None:
        if hint.project == self.project:  # tests share the store: others' answers are not ours
            self.sent.append(hint)

    def settle(self, work: Callable[[], object], count: int) -> list[str]:
        """Repeat `work` until `count` answers were sent; the span ids, each as often as sent."""
        deadline = time.monotonic() + 180
        while self.count() < count:
            assert time.monotonic() < deadline, f"{self.count()} of {count} answers were sent"
            work()
            time.sleep(0.05)
        ids = [key.span_id for hint in self.sent for key in hint.keys]
        self.taken = list(self.sent)
        self.sent.clear()
        return ids

    def count(self) -> int:
        """Answers sent and not taken yet."""
        return sum(len(hint.keys) for hint in self.sent)

    def lapse(self, attempt: int) -> None:
        """Make the leases of the last hints run out as if their workers had died."""
        rows = [
            row
            for hint in self.taken
            for row in leases(
                hint.project,
                hint.keys,
                hint.wanted,
                state=RUNNING,
                attempt=attempt,
                due_at=datetime.now(UTC),
            )
        ]
        self.writer.write("jobs", rows)
