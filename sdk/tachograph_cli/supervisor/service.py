"""One supervised process: its description, its state, and how it is started and ended."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tachograph_cli.supervisor.guard import Guard
from tachograph_cli.supervisor.liveness import HttpLiveness
from tachograph_cli.supervisor.logs import open_log
from tachograph_cli.supervisor.policy import DeathRecord, Liveness, RestartPolicy
from tachograph_cli.supervisor.probes import Probe


class State(StrEnum):
    WAITING = "waiting"  # for the services it comes after
    STARTING = "starting"  # runs, not yet ready
    READY = "ready"
    BACKOFF = "backoff"  # died; will be started again soon
    CRASH_LOOP = "crash-loop"  # died again and again; tried once a minute
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ServiceSpec:
    """What to run and how to know that it is ready.

    `after` names services that must be ready first and that are stopped only after this one.
    """

    name: str
    argv: tuple[str, ...]
    probe: Probe
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    port: int | None = None
    url: str | None = None  # what a person or a client opens
    stop_s: float = 10.0  # from SIGTERM to SIGKILL
    alive_url: str | None = None  # asked while it is ready; None: never taken for hung


class Service:
    """The process of one spec. All methods belong to the supervisor's thread."""

    def __init__(self, spec: ServiceSpec, policy: RestartPolicy, guard: Guard) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.restarts = 0
        self.started_at: float | None = None  # seconds since the epoch
        self.due_s = 0.0  # monotonic time of the next start or probe
        self.deaths = DeathRecord(policy)
        self.liveness = Liveness(policy)
        self._alive = (
            None
            if spec.alive_url is None
            else HttpLiveness(spec.alive_url, policy.liveness_timeout_s)
        )
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._kill_at_s = 0.0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Starts the process in a session of its own: a Ctrl-C in the terminal reaches only us."""
        log = open_log(self.spec.log)
        try:
            self._process = subprocess.Popen(
                self.spec.argv,
                env={**os.environ, **self.spec.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._guard.add(self._process.pid)
        self.started_at = time.time()
        self.due_s = 0.0
        self.state = State.STARTING

    def check_liveness(self, now_s: float) -> bool:
        """Ask it, when it is time, whether it lives; True once it is taken for hung."""
        if self._alive is None or not self.liveness.is_due(now_s):
            return False
        lives = self._alive.check()
        if lives is None:
            return False
        self.liveness.record(lives, now_s)
        return self.liveness.is_hung(now_s)

    def kill(self) -> None:
        """End the whole group at once: what hangs hears no SIGTERM."""
        if self._process is not None:
            self._signal_group(signal.SIGKILL)

    def reap(self) -> int | None:
        """The exit status if the process has ended since the last call (negative: the signal)."""
        if self._process is None:
            return None
        status = self._process.poll()
        if status is None:
            return None
        # What it started (pool workers, the engine of a child) must not survive it.
        self._signal_group(signal.SIGKILL)
        self._guard.remove(self._process.pid)
        self._process = None
        self.started_at = None
        self._cancel_questions()
        return status

    def ask_to_stop(self) -> None:
        """SIGTERM to the process alone: it knows how to end its own children."""
        self.state = State.STOPPING
        self._kill_at_s = time.monotonic() + self.spec.stop_s
        self._cancel_questions()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill_if_overdue(self) -> bool:
        """Kills the whole group once the deadline has passed; True when it did."""
        if self._process is None or time.monotonic() < self._kill_at_s:
            return False
        self._kill_at_s = float("inf")
        self._signal_group(signal.SIGKILL)
        return True

    def kill_now(self) -> None:
        self._kill_at_s = 0.0

    def _cancel_questions(self) -> None:
        self.spec.probe.cancel()
        if self._alive is not None:
            self._alive.cancel()

    def _signal_group(self, number: signal.Signals) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
