"""The one place where the SDK's own failures end, so that none of them reaches the application.

`with contained("what was being done"):` swallows and logs an Exception; while testing it is
raised again, because swallowing is only safe when somebody's tests see what was swallowed.
"""

import logging
import os
import threading
import time
from types import TracebackType
from typing import Final

_log = logging.getLogger("tachograph")

_LOG_INTERVAL_S: Final = 60.0
_TRUE: Final = frozenset({"1", "true", "yes", "on"})

_is_raising = os.environ.get("TACHOGRAPH_TESTING", "").lower() in _TRUE
_last_logged: dict[str, float] = {}
_lock = threading.RLock()  # a finaliser may report in the middle of a report

_MAX_DEFERRED: Final = 100
_deferred: list[Exception] = []


class WrongArgument(ValueError):
    """What the application gave cannot stand. The text names field and remedy, never the value."""


def raise_in_tests(is_raising: bool) -> bool:
    """Let internal errors through (True) or contain them (False); returns the former setting.

    What was logged before no longer keeps anything from being logged.
    """
    global _is_raising
    _last_logged.clear()
    _deferred.clear()
    former, _is_raising = _is_raising, is_raising
    return former


def report(error: Exception, doing: str) -> None:
    """Log an internal error, at most once a minute for each thing being done.

    The traceback says where; the error's own text may hold content, so only its type is logged,
    unless it is a WrongArgument.
    """
    now = time.monotonic()
    with _lock:
        if now - _last_logged.get(doing, -_LOG_INTERVAL_S) < _LOG_INTERVAL_S:
            return
        _last_logged[doing] = now
    if isinstance(error, WrongArgument):
        _log.error("tachograph: %s was refused: %s; the application is not affected", doing, error)
        return
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    _log.error(
        "tachograph: %s while %s (at %s); the application is not affected",
        type(error).__name__,
        doing,
        " > ".join(frames[-4:]),
    )


def contain(error: Exception, doing: str) -> None:
    """What `contained` does with an error, for an `except Exception` where entering a context
    manager would cost too much. Call it in that clause: while testing it raises the error again."""
    if _is_raising:
        raise error
    report(error, doing)


def raise_deferred() -> None:
    """While testing, raise the first error that `deferred` kept since the last call."""
    if _deferred:
        first = _deferred[0]
        _deferred.clear()
        raise first


class contained:
    """Context manager around the SDK's own work; see the module's text."""

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception) or _is_raising:
            return False
        report(error, self._doing)
        return True


class deferred(contained):
    """`contained` for work that may be done on the delivery thread, where no test would see what is
    raised: while testing the error is kept until the next flush or shutdown raises it."""

    __slots__ = ()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not _is_raising:
            report(error, self._doing)
        elif len(_deferred) < _MAX_DEFERRED:
            _deferred.append(error)
        return True
