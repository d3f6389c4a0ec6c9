"""Slows down guessing of keys: failures per client address in a sliding window."""

import threading
import time
from collections import OrderedDict, deque

MAX_FAILURES = 8
WINDOW_S = 60.0
MAX_ADDRESSES = 10_000


class Throttle:
    """Thread-safe; remembers the last `max_addresses` addresses that failed."""

    def __init__(
        self,
        max_failures: int = MAX_FAILURES,
        window_s: float = WINDOW_S,
        max_addresses: int = MAX_ADDRESSES,
    ) -> None:
        self._max_failures = max_failures
        self._window_s = window_s
        self._max_addresses = max_addresses
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try again; 0 when it may now."""
        now = time.monotonic()
        with self._lock:
            times = self._failures.get(address)
            if times is None or len(times) < self._max_failures:
                return 0.0
            return max(0.0, times[0] + self._window_s - now)

    def failed(self, address: str) -> None:
        """Count one failure."""
        with self._lock:
            times = self._failures.setdefault(address, deque(maxlen=self._max_failures))
            times.append(time.monotonic())
            self._failures.move_to_end(address)
            while len(self._failures) > self._max_addresses:
                self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address that has shown a good key."""
        with self._lock:
            self._failures.pop(address, None)
