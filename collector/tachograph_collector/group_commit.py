"""Group commit: concurrent requests share one insert, each is answered after its own rows."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from tachograph_store.errors import QueryTooLarge, RowRefused

Row = TypeVar("Row")
Fate = TypeVar("Fate")


@dataclass(slots=True)
class _Entry(Generic[Row, Fate]):
    rows: Sequence[Row]
    size_bytes: int
    done: "asyncio.Future[list[Fate | None]]"


class GroupCommit(Generic[Row, Fate]):
    """Merges the rows of waiting requests into blocks for one table.

    `write` stores a block in one insert and gives the fate of each row, in order; it runs in the
    executor. While one insert runs, the requests that arrive wait together for the next. What
    waits here is bounded by whoever lets requests in.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Row]], Sequence[Fate]],
        executor: Executor,
        *,
        max_rows: int,
        max_bytes: int,
    ) -> None:
        self._write = write
        self._executor = executor
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: deque[_Entry[Row, Fate]] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def commit(self, rows: Sequence[Row], size_bytes: int) -> list[Fate | None]:
        """Store the rows and return the fate of each; None for a row that the engine refuses.

        Raises `StoreError` when nothing of these rows is known to be stored.
        """
        if not rows:
            return []
        entry = _Entry[Row, Fate](rows, size_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        return await entry.done

    async def _commit_waiting(self) -> None:
        while self._waiting:
            block = self._next_block()
            rows = [row for entry in block for row in entry.rows]
            loop = asyncio.get_running_loop()
            try:
                fates = await loop.run_in_executor(self._executor, self._write_bisecting, rows)
            except Exception as error:  # noqa: BLE001 - handed to every request of the block
                for entry in block:
                    if not entry.done.done():
                        entry.done.set_exception(error)
                continue
            start = 0
            for entry in block:
                stop = start + len(entry.rows)
                if not entry.done.done():  # its client may have gone
                    entry.done.set_result(fates[start:stop])
                start = stop

    def _next_block(self) -> list[_Entry[Row, Fate]]:
        block = [self._waiting.popleft()]
        rows = len(block[0].rows)
        size_bytes = block[0].size_bytes
        while self._waiting:
            rows += len(self._waiting[0].rows)
            size_bytes += self._waiting[0].size_bytes
            if rows > self._max_rows or size_bytes > self._max_bytes:
                break
            block.append(self._waiting.popleft())
        return block

    def _write_bisecting(self, rows: Sequence[Row]) -> list[Fate | None]:
        """Write all rows but those that the engine refuses for their content."""
        try:
            return list(self._write(rows))
        except RowRefused:
            if len(rows) == 1:
                return [None]
        except QueryTooLarge:
            if len(rows) == 1:
                raise  # not the row's fault: its size is bounded, the engine is short of memory
        middle = len(rows) // 2
        return self._write_bisecting(rows[:middle]) + self._write_bisecting(rows[middle:])
