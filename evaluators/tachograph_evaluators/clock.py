"""Celery beat's clock: sends nothing into a queue that nobody empties."""

import logging
import time
from typing import Any, Final

from celery import beat

from tachograph_evaluators.queues import depth
from tachograph_store.settings import home

MAX_WAITING: Final = 50
"""Ticks that may wait in one queue while no worker runs; each is a few hundred bytes."""

_ALIVE_INTERVAL_S: Final = 5.0

_log = logging.getLogger(__name__)


class BoundedScheduler(beat.Scheduler):  # type: ignore[misc]  # celery is not typed
    """Intervals only, kept in memory: after a restart everything is simply due."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._full: set[str] = set()
        self._alive_at = 0.0
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; touches `<home>/beat.alive`, so that others can see a hung clock."""
        if time.monotonic() - self._alive_at > _ALIVE_INTERVAL_S:
            self._alive_at = time.monotonic()
            (home() / "beat.alive").touch(mode=0o600)
        return float(super().tick(*args, **kwargs))

    def apply_async(
        self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        """Send one entry, unless its queue is full."""
        queue = entry.options["queue"]
        with self.app.connection_or_acquire() as connection:
            waiting = depth(connection, queue)
        if waiting < MAX_WAITING:
            self._full.discard(queue)
            return super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        if queue not in self._full:
            self._full.add(queue)
            _log.warning("%d messages wait in %s: is the worker running?", waiting, queue)
        return None
