"""The processes that are killed: store, broker, worker, beat; each on its own and all at once."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
from tests.fixtures.brokers import Broker, running_rabbitmq, running_redis

from tachograph_store.client import connect
from tachograph_store.settings import StoreSettings

BROKERS: Final = ("filesystem", "redis", "rabbitmq")
EVALUATORS: Final = {"length": ("length",), "pair": ("pair_one", "pair_two")}
_READY_S: Final = 120.0
_PREFIX: Final = "TACHOGRAPH_EVALUATORS_"


class Stack:
    """One home; processes are started again by whoever killed them."""

    def __init__(self, home: Path, broker: Broker | None) -> None:
        self.home = home
        self.settings = StoreSettings(url=f"embedded://{home}/store")
        self._broker = broker
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(_site(home)),
            "TACHOGRAPH_HOME": str(home),
            "TACHOGRAPH_STORE_URL": self.settings.url,
            f"{_PREFIX}ENABLED": ",".join(EVALUATORS),
            f"{_PREFIX}BROKER_URL": broker.url if broker else "filesystem://",
            f"{_PREFIX}BROKER_POLLING_INTERVAL_S": "0.05",
            f"{_PREFIX}PLAN_INTERVAL_S": "0.5",
            f"{_PREFIX}SWEEP_INTERVAL_S": "1",
            f"{_PREFIX}START_LIMIT_S": "5",
            f"{_PREFIX}TIME_LIMIT_S": "10",
            f"{_PREFIX}RETRY_PAUSE_S": "0.2",
        }

    def start(self) -> None:
        """Start what does not run; returns when the store answers."""
        store = [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"]
        self._start("store", store)
        with connect(self.settings) as reader:
            wait_until(reader.ping, "the store", _READY_S)
        for name in ("worker", "beat"):
            self._start(name, [sys.executable, "-m", "tachograph_cli", name])

    def _start(self, name: str, command: list[str]) -> None:
        if name in self._processes:
            return
        with (self.home / "processes.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )

    def kill_scoring(self) -> None:
        """SIGKILL to what holds the models; the worker starts it again."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._processes["worker"].pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if "scoring" in child.cmdline():
                        child.kill()

    def kill_worker(self) -> None:
        """SIGKILL to all of its processes, then a new one."""
        self._kill("worker")
        self.start()

    def kill_broker(self) -> None:
        """SIGKILL to it, and a new one; of the embedded one every message is lost."""
        if self._broker is None:
            for path in (self.home / "broker").glob("*.msg"):
                path.unlink(missing_ok=True)
            return
        self._broker.kill()
        self._broker.start()

    def kill_everything(self) -> None:
        """SIGKILL to store, broker, worker and beat, then all of them anew."""
        for name in tuple(self._processes):
            self._kill(name)
        self.kill_broker()
        self.start()

    def close(self) -> None:
        """End all but the broker."""
        for name in tuple(self._processes):
            self._kill(name)

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name)
        family = []
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(family, timeout=_READY_S)
        process.wait()

    def log_tail(self) -> str:
        """The last lines that the processes wrote."""
        text = (self.home / "processes.log").read_text(errors="replace")
        return "\n".join(re.sub(r"\s+$", "", line) for line in text.splitlines()[-40:])


@contextmanager
def running_stack(home: Path, broker: str) -> Iterator[Stack]:
    """A started stack with one of BROKERS."""
    with _running_broker(home, broker) as process:
        stack = Stack(home, process)
        try:
            stack.start()
            yield stack
        finally:
            stack.close()


@contextmanager
def _running_broker(home: Path, broker: str) -> Iterator[Broker | None]:
    if broker == "filesystem":
        yield None
        return
    with (running_redis if broker == "redis" else running_rabbitmq)(home) as process:
        yield process


def _site(home: Path) -> Path:
    """The plugins, as an installed package would bring them."""
    package = home / "site" / "chaos_plugins-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-plugins\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[tachograph.evaluators]\n"
        "length = tachograph_chaos_plugins:Length\n"
        "pair = tachograph_chaos_plugins:Pair\n"
    )
    source = Path(__file__).with_name("plugins.py").read_text()
    (home / "site" / "tachograph_chaos_plugins.py").write_text(source)
    return home / "site"


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float) -> None:
    """Poll. Raises TimeoutError."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {deadline_s:g} s")
        time.sleep(0.1)
