"""Tiny real services and a supervisor in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.free_port import free_port

SERVER = """\
import http.server, os, subprocess, sys
port, child_file = int(sys.argv[1]), sys.argv[2]
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(child_file, "w") as file:
    file.write(str(child.pid))
print("serving", port, flush=True)
http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
"""Answers on a port and has a child of its own, as a worker pool would."""

DRIVER = """\
import json, sys
from pathlib import Path
from tachograph_cli.home import HomeLock
from tachograph_cli.supervisor import *
plan = json.loads(sys.argv[1])
lock = HomeLock(Path(plan["lock"]))
assert lock.acquire(0)
specs = [
    ServiceSpec(
        name=s["name"], argv=tuple(s["argv"]), log=Path(s["log"]), after=tuple(s["after"]),
        probe=HttpProbe(s["url"]) if s["url"] else AliveProbe(), stop_s=s["stop_s"],
        alive_url=s["url"],
    )
    for s in plan["services"]
]
def tell(event):
    print(json.dumps(event.as_dict()), flush=True)
supervisor = Supervisor(
    specs, tell=tell, changed=lambda _: None, policy=RestartPolicy(**plan["policy"]),
    lock_fd=lock.fd,
)
supervisor.handle_signals()
supervisor.run()
"""

DEADLINE_S = 180.0


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Polls until the condition holds; fails with `what` after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"did not happen within {DEADLINE_S:.0f} s: {what}")


def is_running(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@dataclass
class Supervised:
    """A supervisor process, the events it told, and the services' plan."""

    process: subprocess.Popen[str]
    directory: Path
    events_file: Path
    seen_pids: set[int] = field(default_factory=set)

    def events(self) -> list[dict[str, Any]]:
        lines = self.events_file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def of(self, kind: str, service: str | None = None) -> list[dict[str, Any]]:
        return [
            event
            for event in self.events()
            if event["event"] == kind and service in (None, event["service"])
        ]

    def wait(self, kind: str, service: str | None = None, count: int = 1) -> dict[str, Any]:
        def enough() -> list[dict[str, Any]]:
            found = self.of(kind, service)
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = eventually(enough, f"event {kind} of {service}: {self}")
        return found[count - 1]

    def pid_of(self, service: str) -> int:
        """The pid named by the last `starting` event."""
        message = self.of("starting", service)[-1]["message"]
        return int(message.rpartition("pid ")[2])

    def child_of(self, service: str) -> int:
        return int((self.directory / f"{service}.child").read_text(encoding="utf-8"))


@dataclass
class Plan:
    """The services of one supervisor."""

    directory: Path
    services: list[dict[str, Any]] = field(default_factory=list)
    policy: dict[str, float] = field(default_factory=dict)

    def server(self, name: str, after: tuple[str, ...] = ()) -> int:
        """Adds a service that listens; returns its port."""
        port = free_port()
        program = self.directory / "server.py"
        program.write_text(SERVER, encoding="utf-8")
        argv = [sys.executable, str(program), str(port), str(self.directory / f"{name}.child")]
        self.add(name, argv, after=after, url=f"http://127.0.0.1:{port}/")
        return port

    def python(self, name: str, code: str, stop_s: float = 10.0) -> None:
        """Adds a service that runs a few lines of Python."""
        self.add(name, [sys.executable, "-c", code], stop_s=stop_s)

    def add(
        self,
        name: str,
        argv: list[str],
        after: tuple[str, ...] = (),
        url: str | None = None,
        stop_s: float = 10.0,
    ) -> None:
        log = str(self.directory / f"{name}.log")
        self.services.append(
            {
                "name": name,
                "argv": argv,
                "after": after,
                "url": url,
                "log": log,
                "stop_s": stop_s,
            }
        )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """An empty plan in a fresh directory."""
    return Plan(tmp_path)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[[Plan], Supervised]]:
    """Starts a supervisor with a plan; whatever is left at the end of the test is killed."""
    started: list[Supervised] = []

    def start(plan: Plan) -> Supervised:
        events_file = tmp_path / "events"
        document = {
            "services": plan.services,
            "policy": plan.policy,
            "lock": str(tmp_path / "lock"),
        }
        with events_file.open("w", encoding="utf-8") as events:
            process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, json.dumps(document)],
                stdout=events,
                text=True,
                start_new_session=True,
            )
        supervised = Supervised(process, tmp_path, events_file)
        started.append(supervised)
        return supervised

    yield start
    for supervised in started:
        if supervised.process.poll() is None:
            supervised.process.send_signal(signal.SIGTERM)
            try:
                supervised.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                os.killpg(supervised.process.pid, signal.SIGKILL)
                supervised.process.wait()
