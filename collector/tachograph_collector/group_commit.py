"""Group commit: concurrent requests share one write, each is answered after its own entry."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


@dataclass(slots=True)
class _Waiting(Generic[Entry]):
    entry: Entry
    size_bytes: int
    done: "asyncio.Future[None]"


class GroupCommit(Generic[Entry]):
    """Merges the entries of waiting requests into one write.

    `write` keeps all of them or raises; it runs in the executor. While it runs, the requests that
    arrive wait together for the next. What waits here is bounded by whoever lets requests in.
    """

    def __init__(
        self, write: Callable[[Sequence[Entry]], None], executor: Executor, *, max_bytes: int
    ) -> None:
        self._write = write
        self._executor = executor
        self._max_bytes = max_bytes
        self._waiting: deque[_Waiting[Entry]] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def commit(self, entry: Entry, size_bytes: int) -> None:
        """Return when the entry is kept; raises what `write` raised when it is not."""
        waiting = _Waiting(entry, size_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        await waiting.done

    async def _commit_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = self._next_group()
            entries = [waiting.entry for waiting in group]
            try:
                await loop.run_in_executor(self._executor, self._write, entries)
            except Exception as error:  # noqa: BLE001 - handed to every request of the group
                for waiting in group:
                    if not waiting.done.done():
                        waiting.done.set_exception(error)
                continue
            for waiting in group:
                if not waiting.done.done():
                    waiting.done.set_result(None)

    def _next_group(self) -> list[_Waiting[Entry]]:
        group = [self._waiting.popleft()]
        size_bytes = group[0].size_bytes
        while self._waiting:
            size_bytes += self._waiting[0].size_bytes
            if size_bytes > self._max_bytes:
                break
            group.append(self._waiting.popleft())
        return group
