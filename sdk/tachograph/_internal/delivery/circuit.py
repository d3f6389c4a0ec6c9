"""When to try the collector again after it failed."""

import random
import time
from typing import Final

from tachograph._internal.delivery.options import DeliveryOptions

_JITTER: Final = 0.5
"""Least share of a pause that is kept: many processes must not come back at one instant."""


class Circuit:
    """One for all signals, because they go to one server: what one finds out holds for the others.

    After each failure in a row the pause doubles. After `circuit_failures` of them the circuit is
    open: every `circuit_pause_s` one batch is tried, and nothing more is encoded until it is taken.
    """

    def __init__(self, options: DeliveryOptions) -> None:
        self._options = options
        self._failures = 0
        self._until = 0.0
        self._is_told_to_wait = False

    @property
    def until(self) -> float:
        """No attempt before this instant (`time.monotonic`)."""
        return self._until

    @property
    def is_failing(self) -> bool:
        """Did the last attempt fail?"""
        return self._failures > 0

    @property
    def is_open(self) -> bool:
        """Is the collector taken for away?"""
        return self._failures >= self._options.circuit_failures

    @property
    def is_told_to_wait(self) -> bool:
        """Was the pause named by the collector (Retry-After)? A flush does not shorten it."""
        return self._is_told_to_wait and time.monotonic() < self._until

    def succeed(self) -> None:
        """The collector answered for itself."""
        self._failures, self._until, self._is_told_to_wait = 0, 0.0, False

    def fail(self, retry_after_s: float | None) -> None:
        """The collector did not take a request; `retry_after_s` is what it said about coming
        again."""
        options = self._options
        self._failures += 1
        ceiling = min(
            options.backoff_max_s,
            options.backoff_initial_s * 2.0 ** min(self._failures - 1, 30),
        )
        if self.is_open:
            ceiling = max(ceiling, options.circuit_pause_s)
        pause_s = random.uniform(ceiling * _JITTER, ceiling)
        self._is_told_to_wait = retry_after_s is not None
        if retry_after_s is not None:
            pause_s = min(retry_after_s, options.retry_after_max_s) + random.uniform(
                0.0, options.backoff_initial_s
            )
        self._until = time.monotonic() + pause_s
