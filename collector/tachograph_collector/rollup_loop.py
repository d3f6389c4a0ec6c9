"""The thread that brings rollups up to date, and merges parts when it is quiet: one collector of a
machine at a time does."""

import logging
import threading
import time
from pathlib import Path
from typing import Final

from tachograph_store.client import Store
from tachograph_store.compaction import QUIET_S, merge_what_is_left
from tachograph_store.errors import StoreError
from tachograph_store.rollup import RollupJob, Step, exclusive_job

_LOGGER = logging.getLogger(__name__)
_PAUSE_S: Final = 20.0
"""Between two runs; meanwhile pages read what is new from the spans."""
_RETRY_S: Final = 5.0
_TELL_S: Final = 10.0


class RollupLoop:
    """Runs the job when started, and every 20 s until stopped."""

    def __init__(
        self, writer: Store, lock: Path, pause_s: float = _PAUSE_S, quiet_s: int = QUIET_S
    ) -> None:
        """`lock` is a file of the machine's; who holds it runs the job. Between two runs it waits
        `pause_s`; parts are merged when nothing was inserted for `quiet_s`."""
        self._writer = writer
        self._lock = lock
        self._pause_s, self._quiet_s = pause_s, quiet_s
        self._stop = threading.Event()
        self._problem: str | None = None
        self._tell_at = 0.0
        self._has_told = False  # that parts stay unmerged
        self._thread = threading.Thread(target=self._run, name="rollups", daemon=True)

    @property
    def problem(self) -> str | None:
        """Why the job does not come on, None while it does."""
        return self._problem

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, deadline_s: float) -> bool:
        """End after the statement that runs; False when it runs longer than that."""
        self._stop.set()
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._run_once()
            except (StoreError, OSError) as error:
                self._note(str(error) or type(error).__name__)
            except Exception as error:
                self._note(f"{type(error).__name__}: {error}")
                _LOGGER.exception("the rollup job failed; pages read spans instead")
            else:
                self._note(None)
            self._stop.wait(self._pause_s if self._problem is None else _RETRY_S)

    def _run_once(self) -> None:
        with exclusive_job(self._lock) as is_ours:
            if is_ours:
                for step in RollupJob(self._writer).steps():
                    self._tell(step)
                    if self._stop.is_set():
                        return
                self._merge()

    def _merge(self) -> None:
        """What cannot be merged stays right, only slower to read: no problem of the rollups."""
        try:
            merge_what_is_left(self._writer, self._stop.is_set, self._quiet_s)
        except StoreError as error:
            if not self._has_told:
                _LOGGER.warning("parts of past bursts stay unmerged: %s", error)
            self._has_told = True
        else:
            self._has_told = False

    def _tell(self, step: Step) -> None:
        """The first run after an upgrade may add up all days anew, for minutes: say how far it is."""
        now = time.monotonic()
        is_last = step.days == step.total_days
        if step.total_days > 1 and (is_last or now >= self._tell_at):
            self._tell_at = now + _TELL_S
            _LOGGER.info(
                "added up %d of %d past days of project %s; pages read the spans of the others",
                *(step.days, step.total_days, step.project),
            )

    def _note(self, problem: str | None) -> None:
        if problem is not None and self._problem is None:
            _LOGGER.warning("rollups wait, pages read spans instead: %s", problem)
        elif problem is None and self._problem is not None:
            _LOGGER.info("rollups are brought up to date again")
        self._problem = problem
