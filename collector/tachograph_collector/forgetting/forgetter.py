"""Forget requests of the REST API: each works in a thread of its own, and says in the store how far it is.

The name that is to be forgotten lies in this process's memory alone. If the process ends before the
request does, nobody can go on without being told the name again: the request is `interrupted`, and the
same request goes on.
"""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from tachograph_collector.errors import ApiError
from tachograph_collector.forgetting.journals import lying_segments, until_drained
from tachograph_collector.forgetting.steps import DEADLINE_S, StepProgress, forget_everything
from tachograph_collector.forgetting.turn import running, turn
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store import forget
from tachograph_store.client import connect
from tachograph_store.errors import StoreError
from tachograph_store.forget import Subject
from tachograph_store.forget_markers import forget_requests
from tachograph_store.rows import ForgetRequestRow

_LOGGER = logging.getLogger("tachograph.forget")
_MAX_RUNNING: Final = 4
"""Of all projects together: each has the engine write all parts of all tables anew."""
_SAID_EVERY_S: Final = 10.0
_TURN_S: Final = 0.5  # whoever only looks holds the lock for a moment
_POLL_S: Final = 0.05
_RETRY_AFTER_S: Final = 10


class Forgetter:
    """Starts forget requests and ends with the collector."""

    def __init__(
        self, settings: CollectorSettings, link: StoreLink, station: JournalStation
    ) -> None:
        self._settings = settings
        self._link = link
        self._station = station
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    def start(self, subject: Subject, requested_by: str) -> ForgetRequestRow:
        """Begin to forget, or tell of the request for the same subject that runs already.

        Raises:
            ApiError: 409 while the project forgets somebody else, 429 when many projects do.
            StoreError: nothing was begun.
        """
        with ExitStack() as held, self._lock:
            is_ours = held.enter_context(_patient_turn(subject.project))
            known = forget_requests(self._link.writer, subject.project)
            busy = running(known, is_taken_here=not is_ours)
            same = forget.request_of(known, subject)
            if same is not None and same.request_id in busy:
                return same
            if busy or not is_ours:
                raise _busy(min(busy, default=None))
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if len(self._threads) >= _MAX_RUNNING:
                raise _too_many()
            request = forget.begin(self._link.writer, subject, requested_by)
            thread = threading.Thread(
                target=self._work,
                args=(held.pop_all(), subject, request),
                name="forget",
                daemon=True,
            )
            self._threads.append(thread)
            thread.start()
        return request

    def stop(self, deadline_s: float) -> bool:
        """Interrupt what runs; False when a statement runs longer than that."""
        self._stop.set()
        deadline = time.monotonic() + deadline_s
        with self._lock:
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            return not any(thread.is_alive() for thread in self._threads)

    def _work(self, held: ExitStack, subject: Subject, request: ForgetRequestRow) -> None:
        with held:
            about = f"request {request.request_id} of project {subject.project}"
            _LOGGER.info(
                "%s: forgetting the %s with hash %s for key %s",
                about,
                subject.kind,
                request.subject_hash,
                request.requested_by,
            )
            try:
                ended = self._run(subject, request)
            except (StoreError, OSError) as error:
                problem = str(error).replace(subject.name, f"[the {subject.kind}]")
            except Exception as error:  # noqa: BLE001 - its words may hold the name: not for the log
                problem = f"{type(error).__name__}, see the collector's log"
                _LOGGER.error("%s: %s", about, "".join(traceback.format_tb(error.__traceback__)))
            else:
                if ended is None:
                    _LOGGER.warning("%s: interrupted, send the same request again", about)
                else:
                    _LOGGER.info("%s: everything is deleted: %s", about, dict(ended.found))
                return
            _LOGGER.error("%s: failed: %s", about, problem)
            try:
                forget.fail(self._link.writer, request, problem)
            except StoreError as error:
                _LOGGER.error("%s: its failure could not be entered: %s", about, error)

    def _run(self, subject: Subject, request: ForgetRequestRow) -> ForgetRequestRow | None:
        """Everything; None when the collector ends before."""
        writer, settings = self._link.writer, self._settings
        request = forget.enter_found(writer, request, forget.count_rows(writer, subject))
        with connect(self._link.settings, "migrator") as migrator:
            steps = forget_everything(
                writer,
                migrator,
                subject,
                request,
                settings,
                lambda: until_drained(lying_segments(settings), self._station, DEADLINE_S),
                DEADLINE_S,
            )
            said = _Said()
            for progress in steps:
                if self._stop.is_set():
                    return None
                if said.is_news(progress):
                    step = f"{progress.step} {progress.done} of {progress.total}"
                    request = forget.enter_step(writer, request, step)
        return forget.end(writer, request)


class _Said:
    """What was entered last: a new step is at once, one that goes on now and then."""

    def __init__(self) -> None:
        self._step = ""
        self._at = 0.0

    def is_news(self, progress: StepProgress) -> bool:
        now = time.monotonic()
        if progress.step == self._step and now - self._at < _SAID_EVERY_S:
            return False
        self._step, self._at = progress.step, now
        return True


@contextmanager
def _patient_turn(project: str) -> Iterator[bool]:
    deadline = time.monotonic() + _TURN_S
    while True:
        with turn(project) as is_ours:
            if is_ours or time.monotonic() > deadline:
                yield is_ours
                return
        time.sleep(_POLL_S)


def _busy(request_id: str | None) -> ApiError:
    where = f"/{request_id}" if request_id else ""
    return ApiError(
        409,
        "forget_running",
        "this project is forgetting somebody else: one at a time",
        "project",
        f"send the same request again when GET /api/v1/forgets{where} says that it ended",
        retry_after_s=_RETRY_AFTER_S,
    )


def _too_many() -> ApiError:
    return ApiError(
        429,
        "too_many_forgets",
        f"{_MAX_RUNNING} projects are forgetting somebody already",
        remedy="send the same request again after the given delay",
        retry_after_s=_RETRY_AFTER_S,
    )
