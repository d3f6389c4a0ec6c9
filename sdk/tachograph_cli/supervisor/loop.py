"""The supervisor's loop: one thread, no callbacks from elsewhere, every wait bounded."""

import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

from tachograph_cli.supervisor.events import Event, EventKind
from tachograph_cli.supervisor.guard import Guard
from tachograph_cli.supervisor.logs import rotate, tail
from tachograph_cli.supervisor.policy import RestartPolicy
from tachograph_cli.supervisor.service import Service, ServiceSpec, State

_TICK_S: Final = 0.1
_PROBE_EVERY_S: Final = 0.2
_ROTATE_EVERY_S: Final = 5.0
_TAIL_LINES: Final = 8


class Supervisor:
    """Runs services until told to stop.

    `tell` hears every event, `changed` is called after each change of state (to write run.json).
    `lock_fd` is the descriptor that must stay open until no service is left.
    """

    def __init__(
        self,
        specs: Sequence[ServiceSpec],
        *,
        tell: Callable[[Event], None],
        changed: Callable[["Supervisor"], None],
        policy: RestartPolicy | None = None,
        lock_fd: int | None = None,
    ) -> None:
        self._guard = Guard(lock_fd)
        policy = policy or RestartPolicy()
        self.services = {spec.name: Service(spec, policy, self._guard) for spec in specs}
        self._tell = tell
        self._changed = changed
        self._stop_requests = 0
        self._told_all_ready = False
        self._rotated_at_s = 0.0

    def request_stop(self) -> None:
        """Ends `run` soon; a second request kills at once what still runs. Signal-safe."""
        self._stop_requests += 1

    def handle_signals(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal request a stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.request_stop())

    @property
    def all_ready(self) -> bool:
        return all(service.state is State.READY for service in self.services.values())

    def run(self, each_tick: Callable[[], None] | None = None) -> None:
        """Starts everything and returns when everything has stopped after a stop request."""
        try:
            while not self._stop_requests:
                self._step()
                if each_tick is not None:
                    each_tick()
                time.sleep(_TICK_S)
        finally:
            self._stop_all()
            self._guard.close()

    def _step(self) -> None:
        now_s = time.monotonic()
        for service in self.services.values():
            self._reap(service, now_s)
            match service.state:
                case State.WAITING:
                    if all(self._is_ready(name) for name in service.spec.after):
                        self._start(service)
                case State.BACKOFF | State.CRASH_LOOP:
                    if now_s >= service.due_s:
                        service.restarts += 1
                        self._start(service)
                case State.STARTING:
                    if now_s >= service.due_s:
                        self._probe(service, now_s)
                case State.READY:
                    if service.check_liveness(now_s):
                        self._end_hung(service, now_s)
        if self.all_ready and not self._told_all_ready:
            self._told_all_ready = True
            self._tell(Event(EventKind.ALL_READY, "", "all services are ready"))
        if now_s - self._rotated_at_s > _ROTATE_EVERY_S:
            self._rotated_at_s = now_s
            for service in self.services.values():
                rotate(service.spec.log)

    def _is_ready(self, name: str) -> bool:
        return self.services[name].state is State.READY

    def _start(self, service: Service) -> None:
        service.start()
        again = f" again (restart {service.restarts})" if service.restarts else ""
        self._announce(service, EventKind.STARTING, f"started{again}, pid {service.pid}")

    def _probe(self, service: Service, now_s: float) -> None:
        ready = service.spec.probe.check()
        if ready:
            service.state = State.READY
            service.liveness.begin(now_s)
            where = f" at {service.spec.url}" if service.spec.url else ""
            self._announce(service, EventKind.READY, f"ready{where}")
        elif ready is not None:
            service.due_s = now_s + _PROBE_EVERY_S

    def _end_hung(self, service: Service, now_s: float) -> None:
        """It is reaped, and started again, like one that died."""
        self._announce(
            service,
            EventKind.HUNG,
            f"runs, but left {service.liveness.failed} questions at {service.spec.alive_url} in a "
            "row without an answer; killed",
        )
        service.liveness.begin(now_s)
        service.kill()

    def _reap(self, service: Service, now_s: float) -> None:
        status = service.reap()
        if status is None:
            return
        service.deaths.record(now_s)
        service.due_s = now_s + service.deaths.delay_s
        how = f"ended with status {status}" if status >= 0 else f"killed by {_signal_name(-status)}"
        if not service.deaths.is_crash_loop:
            service.state = State.BACKOFF
            self._announce(
                service, EventKind.DIED, f"{how}; starting again in {service.deaths.delay_s:g} s"
            )
            return
        service.state = State.CRASH_LOOP
        last = "\n".join(f"    {line}" for line in tail(service.spec.log, _TAIL_LINES))
        self._announce(
            service,
            EventKind.CRASH_LOOP,
            f"{how}, the {service.deaths.count}th time within a minute; the other services go on, "
            f"this one is tried again in {service.deaths.delay_s:g} s. "
            f"Last lines of {service.spec.log}:\n{last}",
        )

    def _stop_all(self) -> None:
        """In reverse order: a service is asked to stop once nothing that comes after it runs."""
        for service in self.services.values():
            if service.pid is None:
                service.state = State.STOPPED
        while any(service.state is not State.STOPPED for service in self.services.values()):
            for service in self.services.values():
                self._stop_step(service)
            time.sleep(_TICK_S / 2)
        self._changed(self)

    def _stop_step(self, service: Service) -> None:
        if service.state is State.STOPPED:
            return
        if service.state is not State.STOPPING:
            if self._is_needed(service):
                return
            service.ask_to_stop()
            self._announce(service, EventKind.STOPPING, "stopping")
        if self._stop_requests > 1:
            service.kill_now()
        if service.kill_if_overdue():
            self._announce(service, EventKind.KILLED, "did not stop in time; killed")
        if service.reap() is not None:
            service.state = State.STOPPED
            self._announce(service, EventKind.STOPPED, "stopped")

    def _is_needed(self, service: Service) -> bool:
        return any(
            service.spec.name in other.spec.after and other.state is not State.STOPPED
            for other in self.services.values()
        )

    def _announce(self, service: Service, kind: EventKind, message: str) -> None:
        self._tell(Event(kind, service.spec.name, message))
        self._changed(self)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
