"""Both parts of the worker under one small process that restarts the one that dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import FrameType
from typing import Final

from tachograph_evaluators.commands.orphans import PARENT_VARIABLE

PARTS: Final = ("light", "scoring")

_CHECK_S: Final = 0.25
_STOP_S: Final = 15.0  # a batch that is being judged may finish
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_HEALTHY_S: Final = 60.0


class _Part:
    """One child process, started again after a pause that grows while it keeps dying."""

    def __init__(self, name: str, log_level: str) -> None:
        self._argv = [
            *(sys.executable, "-m", "tachograph_cli", "worker"),
            *("--only", name, "--log-level", log_level),
        ]
        self._name = name
        self._pause_s = _FIRST_PAUSE_S
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._start_at_s = 0.0

    def step(self, environment: Mapping[str, str]) -> None:
        """Start it when it does not run and its pause is over."""
        now_s = time.monotonic()
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            if now_s - self._started_s > _HEALTHY_S:
                self._pause_s = _FIRST_PAUSE_S
            print(
                f"worker part {self._name} ended with status {status}; "
                f"starting it again in {self._pause_s:g} s",
                flush=True,
            )
            self._start_at_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        if now_s >= self._start_at_s:
            self._process = subprocess.Popen(self._argv, env=dict(environment))
            self._started_s = now_s

    def stop(self, deadline_s: float) -> None:
        """End it: politely until the deadline (monotonic seconds), then not."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            self._process.terminate()


def run_pair(log_level: str) -> int:
    """Run both parts until SIGTERM or SIGINT."""
    stopping = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    environment = {**os.environ, PARENT_VARIABLE: str(os.getpid())}
    parts = [_Part(name, log_level) for name in PARTS]
    while not stopping:
        for part in parts:
            part.step(environment)
        time.sleep(_CHECK_S)
    for part in parts:
        part.terminate()
    deadline_s = time.monotonic() + _STOP_S
    for part in parts:
        part.stop(deadline_s)
    return 0
