"""What `tachograph up` shows: lines and a table for people, one JSON object a line for programs."""

import json
import sys
import time
from shlex import quote
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from tachograph_cli.home import ENVIRONMENT, Home, Run
from tachograph_cli.stack import DEFAULT_PORTS
from tachograph_cli.supervisor import Event, EventKind, State

_STYLES = {
    EventKind.READY: "green",
    EventKind.ALL_READY: "bold green",
    EventKind.DIED: "yellow",
    EventKind.CRASH_LOOP: "bold red",
    EventKind.KILLED: "red",
}


def _sidecar_command(collector_port: int | None) -> str:
    """What to type to record an engine, with the collector's address where it is no default."""
    command = "tachograph sidecar --upstream http://127.0.0.1:8080"
    if collector_port in (None, DEFAULT_PORTS["collector"]):
        return command
    return f"{command} --endpoint http://127.0.0.1:{collector_port}"


class Reporter(Protocol):
    """Where the supervisor's events and the ready message go."""

    def event(self, event: Event) -> None: ...

    def ready(self, run: Run, home: Home, key: str | None, seconds: float) -> None: ...

    def warn(self, message: str) -> None: ...

    def close(self) -> None: ...


class JsonReporter:
    """One JSON object a line on standard output; the line with `"event": "stack_ready"` has it all."""

    def event(self, event: Event) -> None:
        self._print(event.as_dict())

    def ready(self, run: Run, home: Home, key: str | None, seconds: float) -> None:
        line = {
            "event": "stack_ready",
            "seconds": round(seconds, 2),
            "admin_key_file": str(home.admin_key_file),
            **run.as_dict(),
        }
        if key is not None:
            line["admin_key"] = key
        self._print(line)

    def warn(self, message: str) -> None:
        self._print({"event": "warning", "message": message, "at": time.time()})

    def close(self) -> None:
        """Nothing is held open."""

    def _print(self, line: dict[str, object]) -> None:
        print(json.dumps(line), file=sys.stdout, flush=True)


class PeopleReporter:
    """A progress bar while the stack starts, then the table, then a line for each incident."""

    def __init__(self, services: int, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("starting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("services ready"),
            console=self._console,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task("starting", total=services)
        self._ready: set[str] = set()
        self._progress.start()

    def event(self, event: Event) -> None:
        if event.kind is EventKind.READY and event.service not in self._ready:
            self._ready.add(event.service)
            self._progress.advance(self._task)
        clock = time.strftime("%H:%M:%S", time.localtime(event.at))
        line = Text(f"{clock}  {event.service or 'stack':<10} ")
        line.append(event.message, style=_STYLES.get(event.kind, ""))
        self._console.print(line)

    def ready(self, run: Run, home: Home, key: str | None, seconds: float) -> None:
        self._progress.stop()
        table = Table(title=f"Tachograph {run.version}, started in {seconds:.1f} s")
        for column in ("service", "state", "pid", "address"):
            table.add_column(column, overflow="fold")
        for name, service in run.services.items():
            good = service.state == State.READY
            table.add_row(
                name,
                Text(service.state, style="green" if good else "bold red"),
                str(service.pid or "–"),
                service.url or "–",
            )
        self._console.print(table)
        dashboard = run.services.get("dashboard")
        collector = run.services["collector"]
        if dashboard is not None:
            self._console.print(f"Dashboard      {dashboard.url}")
        if home.admin_key_file.exists():
            self._console.print(f"Admin key      {home.admin_key_file} (log in with its content)")
        if key is not None:
            self._console.print(f"               {key}")
        self._console.print(f"Logs           {home.log_directory}")
        self._console.print(f"Send OTLP to   {collector.url}")
        self._console.print(f"Record engine  {_sidecar_command(collector.port)}")
        if Home.resolve(None) != home:
            self._console.print(
                f"Other commands find it after: export {ENVIRONMENT}={quote(str(home.path))}"
            )
        self._console.print("Ctrl-C stops everything; `tachograph doctor` examines it.")

    def warn(self, message: str) -> None:
        self._console.print(Text(message, style="bold yellow"))

    def close(self) -> None:
        self._progress.stop()
