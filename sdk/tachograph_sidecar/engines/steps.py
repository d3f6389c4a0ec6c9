"""An engine's steps as it tells them, and where in time they put the computing of prompts."""

import json
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

MAX_MESSAGE_BYTES: Final = 1024
MAX_STEPS: Final = 8_192
"""Steps remembered: a minute and more of a fast engine; bins are settled after a second."""

_MAX_COUNT: Final = 2**31
_MAX_PIECES: Final = 1_024
_LONGEST_NS: Final = 1_000_000_000
"""A step that does not tell its length took no longer."""

_LATE_NS: Final = 20_000_000
"""A step is stamped when vLLM's API server hears of it, which may be after the first byte left."""


@dataclass(frozen=True, slots=True)
class EngineStep:
    """One forward pass over a batch. None is what the engine did not say.

    Attributes:
        engine: which engine of a data-parallel group.
        number: counted by the sender since it began; a gap is a loss.
        at_ns: its end, on this machine's monotonic clock (`time.perf_counter_ns`).
        elapsed_ns: how long it took.
        prefill_tokens: prompt tokens computed in it; where not `is_exact`, those of the prompts
            whose last piece was computed in it.
        generated_tokens: output tokens, first ones included.
        running, waiting: requests in the batch and in the queue, after it.
        kv_cache_ratio: share of the KV cache in use, in [0, 1].
        preemptions: requests put back for want of KV cache.
        dropped: messages that the sender has lost so far.
    """

    engine: int
    number: int
    at_ns: int
    elapsed_ns: int | None
    prefill_tokens: int
    generated_tokens: int
    running: int | None
    waiting: int | None
    kv_cache_ratio: float | None
    preemptions: int
    is_exact: bool
    dropped: int


class StepListener(Protocol):
    """Told of each step, on the sidecar's event loop."""

    def step(self, step: EngineStep) -> None: ...


def read_step(data: bytes) -> EngineStep | None:
    """One message; None for anything that is none."""
    if len(data) > MAX_MESSAGE_BYTES:
        return None
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    numbers = {name: _count(said, name) for name in _REQUIRED}
    at_ns = said.get("at_ns")
    if not isinstance(at_ns, int) or not 0 < at_ns < 2**63:
        return None
    if any(value is None for value in numbers.values()):
        return None
    elapsed_ns = said.get("elapsed_ns")
    is_length = isinstance(elapsed_ns, int) and 0 < elapsed_ns < 3_600 * 10**9
    return EngineStep(
        at_ns=at_ns,
        elapsed_ns=elapsed_ns if is_length else None,
        running=_count(said, "running"),
        waiting=_count(said, "waiting"),
        kv_cache_ratio=_ratio(said.get("kv_cache_ratio")),
        is_exact=said.get("is_exact") is True,
        **{name: value for name, value in numbers.items() if value is not None},
    )


_REQUIRED: Final = (
    "engine", "number", "prefill_tokens", "generated_tokens", "preemptions", "dropped",
)  # fmt: skip


def _count(said: Mapping[str, object], name: str) -> int | None:
    value = said.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT:
        return value
    return None


def _ratio(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return None


@dataclass(slots=True)
class _Work:
    """A step's length and the prompt tokens computed in it."""

    begin_ns: int
    end_ns: int
    tokens: float

    def inside(self, start_ns: int, stop_ns: int) -> float:
        """The share of its length that lies in [start, stop)."""
        overlap_ns = min(stop_ns, self.end_ns) - max(start_ns, self.begin_ns)
        return max(0, overlap_ns) / (self.end_ns - self.begin_ns)


class StepTimeline:
    """When prompts were computed: a `StepListener` that answers for any moment it remembers.

    vLLM computes prompts in the order of their coming, a long one in pieces over several steps. So
    a request's prompt was computed in the last steps before its first token, as many as have its
    tokens. Where the engine tells the tokens of a prompt only at its end, steps before that in
    which some request of the batch got no token were pieces of it.

    With the engines of a data-parallel group no request's engine is known: nothing is answered.
    """

    def __init__(self, max_steps: int = MAX_STEPS) -> None:
        self._works: deque[_Work] = deque(maxlen=max_steps)
        self._pieces: list[_Work] = []
        self._engines: set[int] = set()
        self._is_exact = False

    def step(self, step: EngineStep) -> None:
        """One more step; one that ended before the last is left out."""
        if len(self._engines) < 2:
            self._engines.add(step.engine)
        last_ns = self._works[-1].end_ns if self._works else None
        if last_ns is not None and step.at_ns <= last_ns:
            return
        # one that does not tell its length began where the last ended, unless nothing ran then
        begin_ns = step.at_ns - (step.elapsed_ns or _LONGEST_NS)
        begin_ns = begin_ns if last_ns is None else max(last_ns, begin_ns)
        work = _Work(begin_ns, step.at_ns, float(step.prefill_tokens))
        self._works.append(work)
        self._is_exact = self._is_exact or step.is_exact
        if self._is_exact:
            work.tokens = (
                work.tokens if step.is_exact else 0.0
            )  # another process of the same engine
        else:
            self._spread(work, is_piece=step.generated_tokens < (step.running or 0))

    def prompt_in(
        self, start_ns: int, stop_ns: int, *, sent_ns: int, first_ns: int, tokens: float
    ) -> float | None:
        """Of a request's prompt tokens, how many were computed in [start, stop).

        Args:
            start_ns: where to look.
            stop_ns: up to here.
            sent_ns: when the request reached the engine.
            first_ns: when its first output came.
            tokens: its prompt tokens, without cached ones.

        None where the steps do not tell.
        """
        own = self._own(sent_ns, first_ns, tokens)
        found = sum(work.tokens for work in own)
        if not found:
            return None
        inside = sum(work.inside(start_ns, stop_ns) * work.tokens for work in own)
        return inside * tokens / found

    def all_in(self, start_ns: int, stop_ns: int) -> float | None:
        """Prompt tokens of all requests computed in [start, stop); None where that is not known."""
        if not self._works or len(self._engines) > 1 or self._works[0].begin_ns > start_ns:
            return None
        total = 0.0
        for work in reversed(self._works):
            if work.end_ns <= start_ns:
                break
            total += work.tokens * work.inside(start_ns, stop_ns)
        return total

    def _own(self, sent_ns: int, first_ns: int, tokens: float) -> list[_Work]:
        """A prompt's part of the steps that computed it, the last first."""
        own: list[_Work] = []
        if len(self._engines) > 1:
            return own
        left = tokens
        place = bisect_left(self._works, first_ns + _LATE_NS, key=lambda work: work.end_ns)
        for index in range(place - 1, -1, -1):
            work = self._works[index]
            if work.end_ns <= sent_ns or left <= 0:
                break
            share = min(left, work.tokens)
            if share:
                own.append(_Work(max(sent_ns, work.begin_ns), work.end_ns, share))
                left -= share
        return own

    def _spread(self, work: _Work, *, is_piece: bool) -> None:
        if is_piece and not work.tokens:
            if len(self._pieces) < _MAX_PIECES:
                self._pieces.append(work)
            return
        if work.tokens and self._pieces:
            together = [*self._pieces, work]
            length_ns = sum(one.end_ns - one.begin_ns for one in together)
            tokens = work.tokens
            for one in together:
                one.tokens = tokens * (one.end_ns - one.begin_ns) / length_ns
        self._pieces.clear()
