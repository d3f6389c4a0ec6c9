"""Waiting for something to become true, with a deadline and a reason."""

import time
from collections.abc import Callable
from typing import TypeVar

from tachograph_cli.demo.errors import DemoFailed

_POLL_S = 0.25

T = TypeVar("T")


class Patience:
    """One deadline for the whole demo; each wait has its own besides.

    `check` is called while waiting: it raises when going on is pointless (a process has died).
    """

    def __init__(self, total_s: float, check: Callable[[], None]) -> None:
        self._ends_at_s = time.monotonic() + total_s
        self._check = check

    def until(self, condition: Callable[[], T | None], wait_s: float, what: Callable[[], str]) -> T:
        """Polls until the condition gives something true; DemoFailed with `what()` otherwise."""
        ends_at_s = min(self._ends_at_s, time.monotonic() + wait_s)
        while True:
            value = condition()
            if value:
                return value
            self._check()
            if time.monotonic() >= ends_at_s:
                raise DemoFailed(what())
            time.sleep(_POLL_S)
