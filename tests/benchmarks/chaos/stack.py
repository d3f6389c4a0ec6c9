"""The processes that are killed: a store, and collectors that share a home and its journals."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from tachograph_store.client import connect
from tachograph_store.settings import StoreSettings

_READY_S: Final = 120.0
_DISK: Final = "96m"
_QUOTA_BYTES: Final = 24 * 2**20
SETTINGS: Final[Mapping[str, str]] = {
    "TACHOGRAPH_COLLECTOR_LEDGER_INTERVAL_S": "1",
    "TACHOGRAPH_COLLECTOR_RETRY_AFTER_S": "1",
    "TACHOGRAPH_COLLECTOR_JOURNAL_MAX_BYTES": str(_QUOTA_BYTES),
}
"""Lines of the books every second, so that checks see much; a journal small enough to be filled."""


class Stack:
    """One home; its processes are started again by whoever killed them."""

    def __init__(self, home: Path, collectors: int) -> None:
        self.home = home
        self.settings = StoreSettings(url=f"embedded://{home}/store")
        self.disk = home / "journal"
        self.disk.mkdir(mode=0o700)
        self.has_disk = self._mount()
        self.ports = [_free_port() for _ in range(collectors)]
        self._store: subprocess.Popen[bytes] | None = None
        self._collectors: dict[int, subprocess.Popen[bytes]] = {}

    def _mount(self) -> bool:
        """Whether the journals lie on a small disk of their own: root may mount one."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0700", "tmpfs", str(self.disk)]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    @property
    def urls(self) -> list[str]:
        """Where the collectors listen."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start_store(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"]
        self._store = self._start(command)
        with connect(self.settings) as store:
            wait_until(store.ping, "the store", _READY_S)

    def start_collectors(self) -> None:
        """Start those that do not run, and wait until they listen."""
        for port in self.ports:
            if port not in self._collectors:
                command = [sys.executable, "-m", "tachograph_collector.command"]
                arguments = ["--port", str(port), "--grpc-port", "off"]
                self._collectors[port] = self._start([*command, *arguments])
        for url in self.urls:
            wait_until(partial(self.is_up, url), url, _READY_S)

    def _start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **SETTINGS, "TACHOGRAPH_HOME": str(self.home)}
        with (self.home / "processes.log").open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def kill_store(self) -> None:
        """SIGKILL."""
        if self._store is not None:
            _kill(self._store)
            self._store = None

    def kill_collector(self, index: int) -> None:
        """SIGKILL to one of them."""
        process = self._collectors.pop(self.ports[index], None)
        if process is not None:
            _kill(process)

    def fill_disk(self) -> None:
        """Take the journals' disk to its last byte."""
        if self.has_disk:
            filler = self.disk / "filler"
            with suppress(OSError), filler.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(65536))

    def empty_disk(self) -> None:
        """Give the room back."""
        (self.disk / "filler").unlink(missing_ok=True)

    def health(self, url: str) -> dict[str, Any] | None:
        """What a collector says of itself, None while it says nothing."""
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
                document: dict[str, Any] = orjson.loads(answer.read())
                return document
        except urllib.error.HTTPError as error:  # 503 with the same details
            with error:
                refused: dict[str, Any] = orjson.loads(error.read())
                return refused
        except OSError:
            return None

    def is_up(self, url: str) -> bool:
        """Whether a collector answers."""
        return self.health(url) is not None

    def waiting(self) -> int | None:
        """Acknowledged records in all journals; None while a collector does not answer."""
        healths = [self.health(url) for url in self.urls]
        if any(health is None for health in healths):
            return None
        return sum(int(health["journal"]["waiting_records"]) for health in healths if health)

    def log_tail(self) -> str:
        """The last lines that the processes wrote."""
        text = (self.home / "processes.log").read_text(errors="replace")
        return "\n".join(re.sub(r"\s+$", "", line) for line in text.splitlines()[-30:])

    def close(self) -> None:
        """End all of it."""
        for index in range(len(self.ports)):
            self.kill_collector(index)
        self.kill_store()
        if self.has_disk:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float) -> None:
    """Poll. Raises `TimeoutError`."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {deadline_s:g} s")
        time.sleep(0.05)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
