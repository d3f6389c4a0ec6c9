"""How far judging is, for `/metrics`: asked of the store, remembered for some seconds."""

import asyncio
import time
from typing import Final

from tachograph_collector.store_link import StoreLink
from tachograph_store.errors import StoreError
from tachograph_store.queries.backlog import Waiting, evaluation_waiting

CACHE_S: Final = 10.0
_PATIENCE_S: Final = 2.0  # a scrape must not wait for a store that is away


class JudgingGauges:
    """The last answer of the store; used from one event loop."""

    def __init__(self, link: StoreLink) -> None:
        self._link = link
        self._known: Waiting | None = None
        self._fresh_until = 0.0
        self._pending: asyncio.Task[None] | None = None

    async def read(self) -> Waiting | None:
        """Not older than 10 s; None while the store does not say."""
        if self._fresh_until < time.monotonic():
            if self._pending is None or self._pending.done():
                self._pending = asyncio.create_task(self._refresh())
            await asyncio.wait([self._pending], timeout=_PATIENCE_S)
        return self._known if self._fresh_until >= time.monotonic() else None

    async def _refresh(self) -> None:
        try:
            self._known = await self._link.look_up(evaluation_waiting)
        except StoreError:
            self._known = None
        self._fresh_until = time.monotonic() + CACHE_S
