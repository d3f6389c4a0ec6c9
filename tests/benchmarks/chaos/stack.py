"""The processes that are killed: a store, and several collectors behind one port."""

import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
from tests.fixtures.free_port import free_port

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

    def __init__(self, home: Path, processes: int) -> None:
        self.home = home
        self.settings = StoreSettings(url=f"embedded://{home}/store")
        self.disk = home / "journal"
        self.disk.mkdir(mode=0o700)
        self.has_disk = self._mount()
        self.processes = processes
        self.port = free_port()
        self._store: subprocess.Popen[bytes] | None = None
        self._collector: subprocess.Popen[bytes] | None = None

    def _mount(self) -> bool:
        """Whether the journals lie on a small disk of their own: root may mount one."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0700", "tmpfs", str(self.disk)]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def start_store(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"]
        self._store = self._start(command)
        with connect(self.settings) as store:
            wait_until(store.ping, "the store", _READY_S)

    def start_collectors(self) -> None:
        """Start them, when they do not run, and wait until they take data."""
        if self._collector is None:
            command = [sys.executable, "-m", "tachograph_collector.command", "--grpc-port", "off"]
            several = ["--port", str(self.port), "--processes", str(self.processes)]
            self._collector = self._start([*command, *several])
        wait_until(self.is_up, "a collector", _READY_S)

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

    def kill_collectors(self) -> None:
        """SIGKILL to all, their supervisor too."""
        if self._collector is not None:
            _kill(self._collector)
            self._collector = None

    def kill_one_collector(self, rng: random.Random) -> None:
        """SIGKILL to one of several, which its supervisor starts again; or to the only one."""
        children = [] if self._collector is None else psutil.Process(self._collector.pid).children()
        if children:
            with suppress(psutil.NoSuchProcess):
                rng.choice(children).kill()
        else:
            self.kill_collectors()
            self.start_collectors()

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

    def is_up(self) -> bool:
        """Whether a collector answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=10):
                return True
        except OSError:
            return False

    def journaled_bytes(self) -> int:
        """Bytes in all journals that are not in the store, or were not a moment ago."""
        size = 0
        for path in self.disk.glob("*/*.segment"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        return size

    def log_tail(self) -> str:
        """The last lines that the processes wrote."""
        text = (self.home / "processes.log").read_text(errors="replace")
        return "\n".join(re.sub(r"\s+$", "", line) for line in text.splitlines()[-30:])

    def close(self) -> None:
        """End all of it."""
        self.kill_collectors()
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
