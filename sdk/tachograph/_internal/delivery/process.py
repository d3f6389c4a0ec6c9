"""Ends and forks of the process: every live `Delivery` is flushed at exit and at SIGTERM, and reset
in a child."""

import atexit

# Not used here. A TracerProvider starts a thread pool in every forked child, from a fork hook that
# hangs for ever unless the hook of this module, which frees the pool's lock, was registered first:
# so it has to be imported before the first provider is made.
import concurrent.futures.thread  # noqa: F401
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Protocol

EXIT_TIMEOUT_S = 5.0
"""How long the end of a process may wait for the last delivery, all instances together."""


class Deliverer(Protocol):
    """What this module needs of a `Delivery`."""

    def shutdown(self, timeout_s: float) -> bool: ...
    def reset_after_fork(self) -> None: ...


_preparations: list[Callable[[], None]] = []
_live: "weakref.WeakSet[Deliverer]" = weakref.WeakSet()


def before_the_end(prepare: Callable[[], None]) -> None:
    """Call `prepare` when the process ends, before the last delivery."""
    if prepare not in _preparations:
        _preparations.append(prepare)


def register(delivery: Deliverer) -> None:
    """Include `delivery` in what happens at exit and after a fork, for as long as it lives."""
    _live.add(delivery)


def before_first_delivery(delivery: Deliverer) -> None:
    """Make sure that a child of `multiprocessing` or of Celery delivers at its end.

    Such children leave by `os._exit` and never run atexit; they run the finalizers of
    multiprocessing (or of billiard, Celery's copy) instead, which are cleared when a child
    starts and so cannot be set up earlier than this. Those of Celery's pool run none of these
    either, but send a signal.
    """
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(
            _on_celery_shutdown, weak=False, dispatch_uid="tachograph"
        )
    for package in ("multiprocessing", "billiard"):
        process = sys.modules.get(f"{package}.process")
        util = sys.modules.get(f"{package}.util")
        if process is None or util is None:
            continue
        if process.current_process().name == "MainProcess":
            continue
        util.Finalize(delivery, _shutdown, args=(weakref.ref(delivery),), exitpriority=10)


def deliver_on_sigterm() -> None:
    """Have SIGTERM deliver what is queued before it ends the process.

    Only where nobody has said what SIGTERM shall do: its default ends a process at once, without
    atexit. Servers that handle it themselves (gunicorn, uvicorn, Celery) end by their own ways,
    which come through atexit; so does an application that sets a handler later.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set handlers
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    _shutdown_all()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)  # so that whoever waits for us sees why we ended


def _on_celery_shutdown(**about: object) -> None:
    _shutdown_all()


def _shutdown(reference: "weakref.ref[Deliverer]") -> None:
    delivery = reference()
    if delivery is not None:
        _prepare()
        delivery.shutdown(EXIT_TIMEOUT_S)


def _prepare() -> None:
    for prepare in _preparations:
        prepare()


def _shutdown_all() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT_S
    if _live:
        _prepare()
    for delivery in list(_live):
        delivery.shutdown(max(0.0, deadline - time.monotonic()))


def _reset_all() -> None:
    for delivery in list(_live):
        delivery.reset_after_fork()


atexit.register(_shutdown_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
