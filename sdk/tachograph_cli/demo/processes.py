"""The demo's processes: the stack (`tachograph up`), the engine, the sidecar."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tachograph_cli.demo.errors import DemoFailed
from tachograph_cli.demo.waiting import Patience
from tachograph_cli.home import ENVIRONMENT, Home, Run
from tachograph_cli.stack import STORE_URL, tachograph
from tachograph_cli.supervisor import HttpProbe
from tachograph_cli.supervisor.guard import Guard
from tachograph_cli.supervisor.logs import open_log, tail

_STACK_READY_S: Final = 90.0
_READY_S: Final = 45.0
_STOP_S: Final = 45.0
_LAST_LINES: Final = 5


class Processes:
    """Starts them in sessions of their own and ends them in reverse order.

    A guardian ends them too if the demo itself is killed.
    """

    def __init__(self, home: Home, environment: Mapping[str, str]) -> None:
        self.home = home
        self._environment = {**os.environ, **environment, ENVIRONMENT: str(home.path)}
        # The demo shows the embedded engine, whatever this machine uses otherwise.
        self._environment.pop(STORE_URL, None)
        self._guard = Guard()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_stack(self, patience: Patience, *, login: bool) -> dict[str, Any]:
        """`tachograph up`; returns its ready line."""
        arguments = ["--home", str(self.home.path), "--json", "--ports", "auto"]
        self._start("up", tachograph("up", *arguments, *([] if login else ["--no-login"])))
        return patience.until(
            lambda: self._event("stack_ready"),
            _STACK_READY_S,
            lambda: f"the stack was not ready within {_STACK_READY_S:.0f} s: {self._last('up')}",
        )

    def start_engine(self, port: int) -> None:
        """Only starts it: the model loads while the stack does."""
        argv = (sys.executable, "-m", "tachograph_cli.demo.engine", "--port", str(port))
        self._start("engine", argv)

    def start_sidecar(self, port: int, upstream: str, *arguments: str, api_key: str) -> None:
        """The API key travels in the environment: a command line is world-readable."""
        argv = tachograph("sidecar", "--upstream", upstream, "--port", str(port), *arguments)
        self._start("sidecar", argv, {"TACHOGRAPH_API_KEY": api_key})

    def wait_for(self, patience: Patience, name: str, url: str) -> None:
        """Until a GET is answered."""
        patience.until(
            HttpProbe(url).check,
            _READY_S,
            lambda: f"{name} did not answer at {url}: {self._last(name)}",
        )

    def create_key(self, role: str) -> str:
        """An API key of the stack's default project."""
        made = subprocess.run(
            tachograph("keys", "create", "--project", "default", "--role", role),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        words = [word for word in made.stdout.split() if word.startswith("tg_")]
        if made.returncode != 0 or not words:
            raise DemoFailed(f"`tachograph keys create` failed: {made.stderr.strip()[-500:]}")
        return words[0]

    def collector(self) -> tuple[int | None, int, str]:
        """Pid, restarts and state of the collector, by run.json."""
        run = Run.read(self.home.run_file)
        if run is None:
            raise DemoFailed("run.json has gone: the supervisor has stopped")
        service = run.services["collector"]
        return service.pid, service.restarts, service.state

    def check(self) -> None:
        """Raises when one of the processes has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise DemoFailed(
                    f"{name} ended with status {process.returncode}: {self._last(name)}"
                )

    def stop(self) -> None:
        """Last started first; what does not end in time is killed."""
        for name in reversed(list(self._running)):
            process = self._running.pop(name)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            self._guard.remove(process.pid)
        self._guard.close()

    def _log(self, name: str) -> Path:
        return self.home.log_file(name)

    def _last(self, name: str) -> str:
        return " | ".join(tail(self._log(name), _LAST_LINES)) or "its log is empty"

    def _start(
        self, name: str, argv: tuple[str, ...], environment: Mapping[str, str] | None = None
    ) -> None:
        log = open_log(self._log(name))
        try:
            process = subprocess.Popen(
                argv,
                env={**self._environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._guard.add(process.pid)
        self._running[name] = process

    def _event(self, kind: str) -> dict[str, Any] | None:
        for line in self._log("up").read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and line.endswith("}"):
                event: dict[str, Any] = json.loads(line)
                if event.get("event") == kind:
                    return event
        return None
