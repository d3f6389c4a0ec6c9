"""Stores of a test's own: with other settings, to be killed, to be started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tachograph_store.client import connect
from tachograph_store.settings import StoreSettings

READY_DEADLINE_S = 60.0


class OwnStore:
    """A store in a process of its own, below `home`."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.settings = StoreSettings(url=f"embedded://{home / 'store'}")
        self.log = home / "store.log"
        self._environment = {**os.environ, "TACHOGRAPH_HOME": str(home), **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self, port: int = 0) -> "subprocess.Popen[bytes]":
        """Start the process and do not wait."""
        command = [sys.executable, "-m", "tachograph_store.commands.store", "--port", str(port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self._environment
            )
        return self.process

    def start(self, port: int = 0) -> "OwnStore":
        """Start the process and wait until it is ready."""
        process = self.launch(port)
        deadline = time.monotonic() + READY_DEADLINE_S
        with connect(self.settings) as store:
            while not store.ping():
                assert process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
        return self

    def end(self, number: signal.Signals) -> int:
        """Send a signal and answer the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[Callable[..., OwnStore]]:
    """Makes a store; keyword arguments are its `TACHOGRAPH_STORE_*` variables, in lower case."""
    made: list[OwnStore] = []

    def make(**variables: object) -> OwnStore:
        home = tmp_path / f"home{len(made)}"
        home.mkdir()
        environment = {f"TACHOGRAPH_STORE_{k.upper()}": str(v) for k, v in variables.items()}
        made.append(OwnStore(home, environment))
        return made[-1]

    yield make
    for store in made:
        if store.process is not None:
            with suppress(ProcessLookupError):
                store.process.kill()
            store.process.wait(timeout=30)
