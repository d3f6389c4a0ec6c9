"""Leasing and sending: rows first, hints second, never more than the queue has room for."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from tachograph_evaluators.hints import Hint, bounded_batches
from tachograph_evaluators.leases import LEASED, Wanted, leases, moment, split
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_evaluators.throughput import Throughput
from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.rows import JobRow
from tachograph_store.writer import Writer

_BEGIN_S: Final = 2.0  # from a worker's look at the clock to its word that it has begun
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one run did."""

    leased: int = 0
    hints: int = 0
    skipped: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(
            leased=self.leased + other.leased,
            hints=self.hints + other.hints,
            skipped=self.skipped + other.skipped,
        )


class Dispatch:
    """Makes batches of answers, leases them, sends them: of all projects by one insert.

    `batch_sizes` are the evaluators that run, by `name@version`, with the batch each likes best.
    `send` puts a hint on the queue; `room` says how many batches the queue still takes.
    """

    def __init__(
        self,
        writer: Writer,
        settings: EvaluatorSettings,
        batch_sizes: Mapping[str, int],
        send: Callable[[Hint], None],
        room: Callable[[], int],
    ) -> None:
        self.writer = writer
        self.settings = settings
        self.evaluators = sorted(batch_sizes)
        self.names = [split(evaluator)[0] for evaluator in self.evaluators]
        self.throughput = Throughput(settings.time_limit_s)
        self._room = room
        self._batch_sizes = batch_sizes
        self._send = send
        self._rows: list[JobRow] = []
        self._hints: list[Hint] = []

    def begin(self) -> None:
        """Forget what an earlier run, which was broken off, did not store."""
        self._rows.clear()
        self._hints.clear()

    def room(self) -> int:
        """Batches that the queue still takes; learns from it how fast the workers are."""
        left = self._room()
        self.throughput.look(self.settings.max_queued_batches - left, time.monotonic())
        return left - len(self._hints)

    def room_in_answers(self) -> int:
        """Answers that the queue still takes, in batches of the usual size."""
        return max(0, self.room()) * self.batch_answers(self.evaluators)

    def batch_answers(self, evaluators: Sequence[str]) -> int:
        """Answers of one message: what the evaluators like, within the settings' bound.

        One that is no longer installed, or not yet here, counts as 1.
        """
        liked = max((self._batch_sizes.get(name, 1) for name in evaluators), default=1)
        return max(1, min(liked, self.settings.batch_answers))

    def add(
        self,
        project: str,
        groups: Mapping[tuple[Sequence[Wanted], int], Sequence[tuple[AnswerKey, int]]],
        rows: Sequence[JobRow] = (),
    ) -> Done:
        """Prepare answers with their bytes of text by (evaluations, attempt), and other rows of jobs."""
        leased = batches = 0
        for (wanted, attempt), sized in groups.items():
            most = self.batch_answers([one.evaluator for one in wanted])
            for keys in bounded_batches(sized, most, self.settings.batch_bytes):
                self._rows += self._leased(project, keys, wanted, attempt)
                self._hints.append(self._hint(project, keys, wanted, attempt))
                leased += len(keys) * len(wanted)
                batches += 1
        self._rows += rows
        return Done(leased=leased, hints=batches)

    def flush(self) -> None:
        """Store, then send: what is sent and lost comes back when its lease runs out."""
        if self._rows:
            self.writer.write("jobs", self._rows)
            self._rows.clear()
        for hint in self._hints:
            self._send(hint)
            self.throughput.sent(1, len(hint.keys))
        self._hints.clear()

    def _hint(
        self, project: str, keys: Sequence[AnswerKey], wanted: Sequence[Wanted], attempt: int
    ) -> Hint:
        return Hint(
            project=project,
            keys=keys,
            wanted=wanted,
            attempt=attempt,
            start_by=time.time() + self.settings.start_limit_s,
        )

    def _leased(
        self, project: str, keys: Sequence[AnswerKey], wanted: Sequence[Wanted], attempt: int
    ) -> list[JobRow]:
        due_at = moment(now_us()) + timedelta(seconds=self.settings.start_limit_s + _BEGIN_S)
        return leases(project, keys, wanted, state=LEASED, attempt=attempt, due_at=due_at)


def shares(
    by_project: Mapping[str, Sequence[_T]], room: Callable[[], int]
) -> Iterator[tuple[str, Sequence[_T], int]]:
    """Projects in random order, each with a fair share of the room that is left."""
    shuffled = random.sample(list(by_project), len(by_project))
    for position, project in enumerate(shuffled):
        left = room()
        if left <= 0:
            return
        yield project, by_project[project], max(1, left // (len(shuffled) - position))


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000
