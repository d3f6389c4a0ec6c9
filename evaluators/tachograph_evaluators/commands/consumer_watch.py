"""A worker part that no longer takes what waits for it ends, and is started again.

Celery 5.7 over Redis loses credit when the broker dies between a message and its acknowledgement:
the part then holds its prefetch limit for ever, has its connection out of its event loop, and so never
learns that the connection is gone. Whatever the cause, what shows from outside is the same: messages
wait, nothing is at work, nothing is taken.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from celery.worker import state
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from tachograph_evaluators.app import app
from tachograph_evaluators.queues import depth

_CHECK_S: Final = 2.0
_PATIENCE_S: Final = 10.0

_log = logging.getLogger(__name__)


class Idleness:
    """For how long messages have waited while nothing was taken or at work."""

    def __init__(self) -> None:
        self._taken = -1
        self._since_s = 0.0

    def look(self, now_s: float, waiting: int, taken: int, at_work: int) -> float:
        """Seconds of it until `now_s` (monotonic); `taken` counts messages since the start."""
        if waiting == 0 or at_work > 0 or taken != self._taken:
            self._taken = taken
            self._since_s = now_s
        return now_s - self._since_s


def end_when_stuck(
    queues: Sequence[str],
    end: Callable[[], None],
    open_connection: Callable[[], Connection] = app.connection_for_read,
    patience_s: float = _PATIENCE_S,
) -> None:
    """Watch the queues of this worker from a thread; call `end` when what waits is not taken."""
    threading.Thread(
        target=_watch,
        args=(tuple(queues), end, open_connection, patience_s),
        name="consumer-watch",
        daemon=True,
    ).start()


def leave() -> None:
    """End at once: what was taken is leased, and leases come back."""
    os._exit(1)


def _watch(
    queues: Sequence[str],
    end: Callable[[], None],
    open_connection: Callable[[], Connection],
    patience_s: float,
) -> None:
    idleness = Idleness()
    while True:
        time.sleep(_CHECK_S)
        try:
            # Of its own: a lock of the pool, held while a pool process is forked, would stay held there.
            with open_connection() as connection:
                waiting = sum(depth(connection, name) for name in queues)
        except (OperationalError, OSError):
            waiting = 0  # nobody can take anything while the broker is away
        idle_s = idleness.look(
            time.monotonic(), waiting, state.all_total_count[0], len(state.active_requests)
        )
        if idle_s >= patience_s:
            _log.error("%d messages wait and none is taken for %.0f s: ending", waiting, idle_s)
            end()
            return
