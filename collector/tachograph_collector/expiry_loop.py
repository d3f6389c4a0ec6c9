"""The thread that takes expired spans away: one collector of a machine at a time does."""

import logging
import threading
from pathlib import Path
from typing import Final

from tachograph_store.client import Store
from tachograph_store.errors import StoreError
from tachograph_store.retention_expire import expire_spans
from tachograph_store.rollup import exclusive_job

_LOGGER = logging.getLogger(__name__)
FIRST_S: Final = 60.0
"""Seconds from the start to the first run: a start has other work."""
_PAUSE_S: Final = 3600.0
_RETRY_S: Final = 60.0


class ExpiryLoop:
    """Works a minute after the start, and every hour until stopped; days end once in a day."""

    def __init__(self, writer: Store, lock: Path, first_s: float = FIRST_S) -> None:
        """`lock` is a file of the machine's; who holds it does the work."""
        self._first_s = first_s
        self._writer = writer
        self._lock = lock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, deadline_s: float) -> bool:
        """End after the statement that runs; False when it runs longer than that."""
        self._stop.set()
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause_s = self._first_s
        while not self._stop.wait(pause_s):
            try:
                pause_s = _RETRY_S if self._run_once() else _PAUSE_S
            except (StoreError, OSError) as error:
                _LOGGER.warning("expired spans wait for the store: %s", error)
                pause_s = _RETRY_S
            except Exception:
                _LOGGER.exception("expired spans could not be taken away")
                pause_s = _PAUSE_S

    def _run_once(self) -> int:
        """How many rows wait for their books."""
        waiting = 0
        with exclusive_job(self._lock) as is_ours:
            if is_ours:
                for expired in expire_spans(self._writer):
                    waiting += expired.waiting
                    if self._stop.is_set():
                        return waiting
        return waiting
