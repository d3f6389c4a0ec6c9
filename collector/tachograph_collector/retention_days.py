"""How old a project's spans may be when they arrive: as many days as it keeps them."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from tachograph_collector.store_link import StoreLink
from tachograph_store.errors import StoreError
from tachograph_store.retention import Retention, effective

CACHE_S: Final = 10.0
_PATIENCE_S: Final = 1.0
_MAX_PROJECTS: Final = 4096


@dataclass(frozen=True, slots=True)
class _Remembered:
    days: Retention
    fresh_until: float


class RetentionDays:
    """Remembers each project's days for 10 s; used from one event loop.

    Nobody waits for a store that is away: the days known last hold, or the settings'. The writer puts
    the right dates into rows in any case (`tachograph_store.retention`).
    """

    def __init__(self, link: StoreLink) -> None:
        self._link = link
        self._known: OrderedDict[str, _Remembered] = OrderedDict()
        self._pending: dict[str, asyncio.Task[None]] = {}

    async def of(self, project: str) -> Retention:
        """The days that hold."""
        known = self._known.get(project)
        if known is None or known.fresh_until < time.monotonic():
            task = self._pending.get(project)
            if task is None:
                task = asyncio.create_task(self._refresh(project))
                self._pending[project] = task
                task.add_done_callback(lambda _: self._pending.pop(project, None))
            await asyncio.wait([task], timeout=_PATIENCE_S)
            known = self._known.get(project)
        return Retention.of(self._link.settings) if known is None else known.days

    async def _refresh(self, project: str) -> None:
        try:
            days = await self._link.look_up(lambda store: effective(store, project))
        except StoreError:
            known = self._known.get(project)
            days = Retention.of(self._link.settings) if known is None else known.days
        self._known[project] = _Remembered(days, time.monotonic() + CACHE_S)
        self._known.move_to_end(project)
        while len(self._known) > _MAX_PROJECTS:
            self._known.popitem(last=False)
