"""`tachograph up`: store, collector, worker, beat and dashboard under one supervisor."""

import argparse
import os
import subprocess
import time
from pathlib import Path
from typing import Final

from tachograph.version import __version__
from tachograph_cli.admin_key import AdminKey
from tachograph_cli.errors import EXIT_FAILED, EXIT_OK, CommandError
from tachograph_cli.home import Home, HomeLock, Run, ServiceRun
from tachograph_cli.reporting import JsonReporter, PeopleReporter, Reporter
from tachograph_cli.stack import (
    StackOptions,
    choose_ports,
    service_environment,
    service_specs,
    store_is_embedded,
    tachograph,
)
from tachograph_cli.supervisor import Event, EventKind, State, Supervisor
from tachograph_cli.supervisor.logs import tail

HELP = "start store, collector, worker, beat and dashboard, and keep them running"

_EXAMPLES: Final = """\
examples:
  tachograph up                          everything in ~/.tachograph, on the usual ports
  tachograph up --home ./trial --ports auto
                                         a second stack beside the first
  tachograph up --json --no-dashboard    for scripts: one JSON object a line

Set TACHOGRAPH_STORE_URL to an http(s):// ClickHouse URL to use a server instead of the embedded
engine."""

_LATE_S: Final = 60.0
_PREVIOUS_END_S: Final = 15.0
_DYING_S: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tachograph up`."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--home", help="where everything is kept (default: ~/.tachograph)")
    parser.add_argument("--no-dashboard", action="store_true", help="do not start the dashboard")
    parser.add_argument(
        "--no-login", action="store_true", help="anyone who reaches the dashboard may read"
    )
    parser.add_argument(
        "--ports",
        choices=("default", "auto"),
        default="default",
        help="auto: any free ports (run.json and the table name them)",
    )
    parser.add_argument(
        "--port-offset", type=int, default=0, metavar="N", help="added to each default port"
    )
    parser.add_argument("--show-key", action="store_true", help="print the admin key")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Runs until Ctrl-C or SIGTERM. 1 when the store cannot be brought up at all."""
    options = StackOptions(dashboard=not args.no_dashboard, login=not args.no_login)
    home = Home.resolve(args.home)
    home.ensure()
    lock = _lock(home)
    ports = choose_ports(options, auto=args.ports == "auto", offset=args.port_offset)
    if not store_is_embedded():
        _migrate(home, ports)
    specs = service_specs(home, ports, options)
    reporter: Reporter = JsonReporter() if args.json else PeopleReporter(len(specs))
    key = AdminKey(home, service_environment(home, ports))
    session = _Session(home, reporter, key, show_key=args.show_key)
    supervisor = Supervisor(specs, tell=session.heard, changed=session.changed, lock_fd=lock.fd)
    session.supervisor = supervisor
    supervisor.handle_signals()
    try:
        supervisor.run(session.tick)
    finally:
        key.cancel()
        reporter.close()
        home.run_file.unlink(missing_ok=True)
        lock.release()
    return EXIT_FAILED if session.failed else EXIT_OK


class _Session:
    """Ties the supervisor's loop to run.json, the admin key and the screen."""

    def __init__(self, home: Home, reporter: Reporter, key: AdminKey, *, show_key: bool) -> None:
        self.supervisor: Supervisor | None = None
        self.failed = False
        self._home = home
        self._reporter = reporter
        self._key = key
        self._show_key = show_key
        self._started_s = time.monotonic()
        self._run = Run(supervisor_pid=os.getpid(), version=__version__, home=str(home.path))
        self._told_ready = False
        self._told_late = False

    def heard(self, event: Event) -> None:
        self._reporter.event(event)
        if (event.kind, event.service) == (EventKind.CRASH_LOOP, "store") and not self._told_ready:
            # Nothing else can come up without it: better an exit status than a waiting terminal.
            self.failed = True
            assert self.supervisor is not None
            self.supervisor.request_stop()

    def changed(self, supervisor: Supervisor) -> None:
        self._run.services = {
            name: ServiceRun(
                state=service.state.value,
                pid=service.pid,
                port=service.spec.port,
                url=service.spec.url,
                restarts=service.restarts,
                started_at=service.started_at,
                log=str(service.spec.log),
            )
            for name, service in supervisor.services.items()
        }
        try:
            self._run.write(self._home.run_file)
        except OSError as error:  # a full disk must not take the running stack down
            self._reporter.warn(f"run.json could not be written: {error}")

    def tick(self) -> None:
        if self._told_ready or self.supervisor is None:
            return
        services = self.supervisor.services
        elapsed_s = time.monotonic() - self._started_s
        store = services.get("store")
        if store is None or store.state is State.READY:
            self._key.step()
        settled = all(s.state in (State.READY, State.CRASH_LOOP) for s in services.values())
        if settled and self._key.is_done:
            self._told_ready = True
            if self._key.problem is not None:
                self._reporter.warn(self._key.problem)
            self._reporter.ready(self._run, self._home, self._shown_key(), elapsed_s)
        elif elapsed_s > _LATE_S and not self._told_late:
            self._told_late = True
            for name, service in services.items():
                if service.state is not State.READY:
                    last = " | ".join(tail(service.spec.log, 3))
                    self._reporter.warn(
                        f"{name} is still {service.state} after {_LATE_S:.0f} s; its log says: "
                        f"{last or 'nothing'}"
                    )

    def _shown_key(self) -> str | None:
        if not self._show_key or not self._home.admin_key_file.exists():
            return None
        return self._home.admin_key_file.read_text(encoding="utf-8").strip()


def _lock(home: Home) -> HomeLock:
    """Takes the home's lock, waiting for the remains of a killed supervisor to be cleared."""
    lock = HomeLock(home.lock_file)
    previous = Run.read(home.run_file)
    # One that was killed a moment ago still has its pid until the kernel and its parent let it go.
    if lock.acquire(_DYING_S):
        return lock
    alive = previous is not None and _is_alive(previous.supervisor_pid)
    if not alive and lock.acquire(_PREVIOUS_END_S):
        return lock
    lock.release()
    who = f"pid {previous.supervisor_pid}" if previous is not None else "another process"
    raise CommandError(
        f"a stack already runs in {home.path} ({who})",
        remedy="stop it with Ctrl-C in its terminal"
        + (f" or `kill {previous.supervisor_pid}`" if previous is not None else "")
        + ", or start a second one with --home DIR --ports auto",
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and only waits for its parent: in containers often for ever."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no /proc here, or gone meanwhile
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


def _migrate(home: Home, ports: dict[str, int]) -> None:
    """A ClickHouse server has no `tachograph store` process that would bring its schema up."""
    environment = {**os.environ, **service_environment(home, ports)}
    if subprocess.run(tachograph("migrate"), env=environment, check=False).returncode != 0:
        raise CommandError(
            "the schema of the ClickHouse server could not be brought up to date",
            remedy="the lines above say why; check TACHOGRAPH_STORE_URL and its credentials",
        )
