"""Group commit: concurrent requests share one insert, each is answered after its own rows."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from tachograph_store.errors import QueryTooLarge, RowRefused

Row = TypeVar("Row")


@dataclass(slots=True)
class _Entry(Generic[Row]):
    rows: Sequence[Row]
    size_bytes: int
    done: "asyncio.Future[list[bool]]"


class GroupCommit(Generic[Row]):
    """Merges the rows of waiting requests into blocks for one table.

    `write` stores a block and says of each row, in order, whether it was kept; it runs in the
    executor. While one block is written, the requests that arrive wait together for the next.
    What waits here is bounded by whoever lets requests in.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Row]], list[bool]],
        executor: Executor,
        *,
        max_rows: int,
        max_bytes: int,
    ) -> None:
        self._write = write
        self._executor = executor
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: deque[_Entry[Row]] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def commit(self, rows: Sequence[Row], size_bytes: int) -> list[bool]:
        """Store the rows; says of each whether it was kept, or refused for its content.

        Raises `StoreError` when nothing of these rows is known to be stored.
        """
        if not rows:
            return []
        entry = _Entry[Row](rows, size_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        return await entry.done

    async def _commit_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            block = self._next_block()
            rows = [row for entry in block for row in entry.rows]
            try:
                kept = await loop.run_in_executor(self._executor, self._write, rows)
            except Exception as error:  # noqa: BLE001 - handed to every request of the block
                for entry in block:
                    if not entry.done.done():
                        entry.done.set_exception(error)
                continue
            start = 0
            for entry in block:
                stop = start + len(entry.rows)
                if not entry.done.done():
                    entry.done.set_result(kept[start:stop])
                start = stop

    def _next_block(self) -> list[_Entry[Row]]:
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


def write_bisecting(rows: Sequence[Row], write: Callable[[Sequence[Row]], object]) -> list[bool]:
    """Write all rows but those that the engine refuses for their content; which were kept."""
    try:
        write(rows)
    except RowRefused:
        if len(rows) == 1:
            return [False]
    except QueryTooLarge:
        if len(rows) == 1:
            raise  # not the row's fault: its size is bounded, the engine is short of memory
    else:
        return [True] * len(rows)
    middle = len(rows) // 2
    return write_bisecting(rows[:middle], write) + write_bisecting(rows[middle:], write)
