"""Work that waits until bytes are on their way: parsing, span building.

uvloop sends what was written at the end of a loop iteration, so work done in the callback that
forwards a chunk, or put off by `call_soon`, would delay the chunk. It runs from a timer instead, in
slices short enough not to be felt by the next chunk.
"""

import asyncio
import time
from collections import deque
from typing import Protocol

DELAY_S = 0.002
SLICE_S = 0.0005


class Task(Protocol):
    """Something with work to do; asked again while it says so."""

    is_queued: bool

    def work(self) -> bool: ...


class Deferred:
    """A queue of tasks, worked off between chunks. Bounded by the requests in flight: a task is
    queued at most once, and finished ones that wait are limited by the recorder."""

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()
        self._is_scheduled = False

    def add(self, task: Task) -> None:
        if not task.is_queued:
            task.is_queued = True
            self._tasks.append(task)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_later(DELAY_S, self._run)

    def drain(self) -> None:
        """Do all of it now (at shutdown)."""
        while self._tasks:
            self._step()

    def _run(self) -> None:
        deadline = time.perf_counter() + SLICE_S
        while self._tasks and time.perf_counter() < deadline:
            self._step()
        self._is_scheduled = bool(self._tasks)
        if self._is_scheduled:
            asyncio.get_running_loop().call_later(0.0, self._run)

    def _step(self) -> None:
        task = self._tasks.popleft()
        task.is_queued = False
        if task.work() and not task.is_queued:
            task.is_queued = True
            self._tasks.append(task)
