"""A way to wake one thread that is safe to use from anywhere."""

import threading


class Bell:
    """One thread waits, any other rings; rings before the wait are remembered as one.

    A bare lock and not a Condition or Event: those take a lock of their own in Python code, and a
    finaliser or signal handler that rings while its own thread is ringing would wait for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the waiting thread, or keep it from sleeping the next time."""
        try:
            self._lock.release()
        except RuntimeError:  # it rings already
            pass

    def wait(self, timeout_s: float | None) -> None:
        """Sleep until somebody rings, `timeout_s` seconds at most (None: however long)."""
        if timeout_s is None:
            self._lock.acquire()
        elif timeout_s > 0:
            self._lock.acquire(timeout=min(timeout_s, threading.TIMEOUT_MAX))
