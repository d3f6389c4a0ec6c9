"""Evaluators of a stranger, as an installed package would bring them: see `conftest.py`."""

import os
import time
from collections.abc import Sequence

from tachograph_evaluators.evaluator import Answer, Score


class Length:
    """Judges at once; the answer's length is its score."""

    name = "length"
    version = "1"
    scores: tuple[str, ...] = ("length",)
    needs = frozenset({"response"})
    batch_size = 8

    def warm_up(self) -> None:
        """Nothing to load."""

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """One score an answer."""
        return [
            [Score(name="length", value=min(1.0, len(a.response or "") / 100), label="pass")]
            for a in batch
        ]


class Slow(Length):
    """Takes a while, so that a test can kill its worker meanwhile."""

    name = "slow"
    scores = ("slow",)

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """One score an answer, after `TEST_SLOW_S` seconds."""
        time.sleep(float(os.environ["TEST_SLOW_S"]))
        return [[Score(name="slow", value=1.0, label="pass")] for _ in batch]


class Broken(Length):
    """Fails for answers that hold the word boom."""

    name = "broken"
    scores = ("broken_one", "broken_two")

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Two scores an answer."""
        for answer in batch:
            if "boom" in (answer.response or ""):
                raise RuntimeError("boom was said")
        return [[Score(name=name, value=1.0, label="pass") for name in self.scores] for _ in batch]


class Greedy(Length):
    """Takes a quarter of a gigabyte, and says which process judged."""

    name = "greedy"
    scores = ("greedy",)

    def warm_up(self) -> None:
        """What a model takes."""
        self._model = b"\1" * 250_000_000

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """One score an answer, explained by a process id."""
        pid = str(os.getpid())
        return [[Score(name="greedy", value=1.0, label="pass", explanation=pid)] for _ in batch]
