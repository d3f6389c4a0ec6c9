"""Stores of a test's own: with other settings, to be killed, to be started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tachograph_store.client import connect
from tachograph_store.settings import StoreSettings

READY_DEADLINE_S = 180.0
END_DEADLINE_S = 120.0


class OwnStore:
    """A store in a process of its own, below `home`."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.settings = StoreSettings(url=f"embedded://{home / 'store'}")
        self.log = home / "store.log"
        self.environment = {**os.environ, "TACHOGRAPH_HOME": str(home), **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self, port: int = 0) -> "subprocess.Popen[bytes]":
        """Start the process and do not wait."""
        command = [sys.executable, "-m", "tachograph_store.commands.store", "--port", str(port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self.environment
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
        return self.process.wait(timeout=END_DEADLINE_S)

    def discard(self) -> None:
        """End the process, if there is one, at once."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait(timeout=END_DEADLINE_S)


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[OwnStore]:
    """A store of the test's own, not started."""
    store = OwnStore(tmp_path, {})
    yield store
    store.discard()


@pytest.fixture(scope="module")
def tight_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStore]:
    """A running store with tight limits and one connection for readers."""
    limits = {
        "TACHOGRAPH_STORE_MAX_MEMORY_BYTES": "100000000",
        "TACHOGRAPH_STORE_MAX_EXECUTION_TIME_S": "5",
        "TACHOGRAPH_STORE_MAX_RESULT_ROWS": "5000",
        "TACHOGRAPH_STORE_MAX_RESULT_BYTES": "1000000",
        "TACHOGRAPH_STORE_MAX_BODY_BYTES": "1000000",
        "TACHOGRAPH_STORE_READER_CONNECTIONS": "1",
        "TACHOGRAPH_STORE_QUEUE_TIMEOUT_S": "1",
    }
    store = OwnStore(tmp_path_factory.mktemp("tight"), limits)
    yield store.start()
    store.discard()
