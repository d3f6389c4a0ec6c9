"""`tachograph up` in a process of its own, with the real services."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEADLINE_S = 300.0


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Polls until the condition holds; fails with `what` after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    pytest.fail(f"did not happen within {DEADLINE_S:.0f} s: {what}")


def pids_with(marker: str) -> set[int]:
    """Processes whose environment holds the marker: everything that a stack of a home started."""
    found = set()
    for directory in Path("/proc").iterdir():
        if not directory.name.isdecimal():
            continue
        try:
            environment = (directory / "environ").read_bytes()
            stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if marker.encode() in environment and stat.rpartition(")")[2].split()[0] != "Z":
            found.add(int(directory.name))
    return found


@dataclass
class Stack:
    """A running `tachograph up --json` and what it printed."""

    process: subprocess.Popen[bytes]
    home: Path
    output: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TACHOGRAPH_HOME": str(self.home)}

    def events(self) -> list[dict[str, Any]]:
        lines = self.output.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def wait(self, kind: str, service: str | None = None, count: int = 1) -> dict[str, Any]:
        def enough() -> list[dict[str, Any]]:
            found = [
                event
                for event in self.events()
                if event["event"] == kind and service in (None, event.get("service"))
            ]
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = eventually(enough, f"{kind} of {service}: {self.events()}")
        return found[count - 1]

    def tachograph(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same home."""
        return subprocess.run(
            [sys.executable, "-m", "tachograph_cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Starts stacks in one home; what is left at the end is ended."""
    started: list[Stack] = []
    home = tmp_path / "home"

    def up(*arguments: str) -> Stack:
        output = tmp_path / f"up-{len(started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tachograph_cli", "up", "--json", "--ports", "auto"),
                    *("--home", str(home), *arguments),
                ],
                env={**os.environ, "TACHOGRAPH_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                start_new_session=True,
            )
        started.append(Stack(process, home, output))
        return started[-1]

    yield up
    for stack in started:
        if stack.process.poll() is None:
            stack.process.send_signal(signal.SIGTERM)
            stack.process.wait(120)
    for pid in pids_with(f"TACHOGRAPH_HOME={home}\0"):
        os.kill(pid, signal.SIGKILL)
