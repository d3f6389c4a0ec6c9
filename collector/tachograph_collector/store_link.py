"""The collector's two connections to the store, asked from threads.

Both open with their first statement and reconnect by themselves: the store may come later than
the collector, go away and come back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tachograph_store.client import Store, connect
from tachograph_store.settings import StoreSettings

_QUERY_THREADS = 4
_LOOKUP_THREADS = 2

Answer = TypeVar("Answer")


class StoreLink:
    """Questions go by the reader's credential, rows and API keys by the writer's."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self.reader = connect(settings, "reader")
        self.writer = connect(settings, "writer")
        self._queries = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="store-query")
        # Threads of their own: slow questions must not keep keys and health checks waiting.
        self._lookups = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="store-lookup")

    async def ask(self, question: Callable[[Store], Answer]) -> Answer:
        """Run a blocking named query with the reader's credential. Raises `StoreError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._queries, question, self.reader)

    async def look_up(self, question: Callable[[Store], Answer]) -> Answer:
        """Run a short blocking question with the writer's credential. Raises `StoreError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lookups, question, self.writer)

    async def is_reachable(self) -> bool:
        """Whether the engine answers."""
        return await self.look_up(lambda store: store.ping())

    def close(self) -> None:
        """Finish running questions and close the connections."""
        self._queries.shutdown(wait=True)
        self._lookups.shutdown(wait=True)
        self.reader.close()
        self.writer.close()
