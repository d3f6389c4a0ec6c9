"""Connections by role and purpose, lent one statement at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from tachograph_store.embedded.credentials import Role
from tachograph_store.embedded.engine import Engine, EngineConnection, Purpose
from tachograph_store.embedded.exceptions import TOO_MANY_SIMULTANEOUS_QUERIES, EngineException
from tachograph_store.settings import StoreSettings

T = TypeVar("T")

MARK = "/* "
"""Every query that can be cancelled begins so; its id follows."""


class ConnectionPool:
    """A fixed number of connections of one kind; the rest wait, at most `queue_timeout_s`."""

    def __init__(
        self, connections: list[EngineConnection], executor: ThreadPoolExecutor, timeout_s: float
    ) -> None:
        self._all = connections
        self._executor = executor
        self._timeout_s = timeout_s
        self._free: asyncio.LifoQueue[EngineConnection] = asyncio.LifoQueue()
        for connection in connections:
            self._free.put_nowait(connection)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[EngineConnection]:
        """A connection of one's own until the block ends.

        Raises:
            EngineException: 202, none became free in time.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await self._free.get()
        except TimeoutError:
            raise EngineException.of(
                TOO_MANY_SIMULTANEOUS_QUERIES,
                f"no connection became free within {self._timeout_s:g} s; try again later",
            ) from None
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Run what blocks in one of the pool's threads.

        Cancelled, it still waits for the thread: the connection is busy until then, and must not
        go back to the pool before.
        """
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, partial(function, *arguments))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def close(self) -> None:
        """Close the connections; no statement may be running."""
        for connection in self._all:
            connection.close()


class Pools:
    """All pools of the engine, and one connection more that cancels statements."""

    def __init__(self, engine: Engine, settings: StoreSettings) -> None:
        sizes: dict[tuple[Role, Purpose], int] = {
            ("reader", "read"): settings.reader_connections,
            ("writer", "read"): settings.writer_connections,
            ("writer", "write"): settings.writer_connections,
            ("migrator", "read"): 1,
            ("migrator", "write"): 1,
        }
        # A thread for each connection that can be lent, and one for cancelling: a thread is always
        # there for who holds a connection.
        self._executor = ThreadPoolExecutor(sum(sizes.values()) + 1, thread_name_prefix="engine")
        self._pools = {
            key: ConnectionPool(
                [engine.connect(key[1]) for _ in range(size)],
                self._executor,
                settings.queue_timeout_s,
            )
            for key, size in sizes.items()
        }
        self._control = engine.connect("write")
        self.control = ConnectionPool([self._control], self._executor, settings.queue_timeout_s)

    def of(self, role: Role, purpose: Purpose) -> ConnectionPool:
        """The pool for a role's statements of this purpose."""
        return self._pools[role, purpose]

    def close(self) -> None:
        """Cancel running queries, wait for what still runs, then close every connection."""
        self._control.kill(MARK)
        self._executor.shutdown(wait=True)
        for pool in (*self._pools.values(), self.control):
            pool.close()
