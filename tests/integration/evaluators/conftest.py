"""A worker and a beat as processes of their own, on a real store and a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.store_process import running_store

from tachograph_store.client import Store, connect
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

DEADLINE_S = 300.0
NEVER = date(2099, 1, 1)


def chat(role: str, text: str) -> str:
    """Messages as the SDK records them."""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def answer_span(project: str, response: str, **fields: Any) -> SpanRow:
    """A counted model call that began a second ago, unless `fields` say otherwise."""
    known: dict[str, Any] = {
        "project": project,
        "trace_id": uuid.uuid4().hex,
        "span_id": uuid.uuid4().hex[:16],
        "start_time": time.time_ns() - 1_000_000_000,
        "duration_ns": 10**9,
        "name": "chat m",
        "observer": "proxy",
        "is_counted": True,
        "operation": "chat",
        "request_model": "m",
        "tenant": "acme",
        "variant": "v1",
        "prompt": chat("user", "How long may I keep the shoes before I return them?"),
        "completion": chat("assistant", response),
        "content_hash": uuid.uuid4().int % 2**63,
        "expires_on": NEVER,
        "content_expires_on": NEVER,
    }
    return SpanRow(**(known | fields))


def eventually(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until the condition holds; fail with `what` when it does not in time."""
    limit = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < limit, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Stack:
    """Starts worker and beat; `environment` reaches a queue of its own and the shared store."""

    environment: Mapping[str, str]
    directory: Path

    @contextmanager
    def running(self, *commands: str, **settings: str) -> Iterator[list["subprocess.Popen[bytes]"]]:
        """Processes of `tachograph COMMAND…` until the end of the block."""
        environment = {**self.environment, **settings}
        processes = []
        log = (self.directory / "processes.log").open("ab")
        try:
            for command in commands:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tachograph_cli", *command.split()],
                        env=environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            log.close()

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a `tachograph` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "tachograph_cli", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


@pytest.fixture(scope="module")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    """A store of the module's own: a planner plans every project of its store, and in the shared
    one there are hundreds."""
    with running_store(tmp_path_factory.mktemp("home")) as settings:
        yield settings


@pytest.fixture(scope="module")
def reader_store(store_server: StoreSettings) -> Iterator[Store]:
    """The module's store with the reader's credential."""
    with connect(store_server, "reader") as store:
        yield store


@pytest.fixture(scope="module")
def writer_store(store_server: StoreSettings) -> Iterator[Store]:
    """The module's store with the writer's credential."""
    with connect(store_server, "writer") as store:
        yield store


@pytest.fixture
def stack(store_server: StoreSettings, tmp_path: Path) -> Stack:
    """A home and an embedded broker of the test's own, with the plugins installed."""
    package = tmp_path / "site" / "plugins-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[tachograph.evaluators]\n"
        "length = tachograph_test_plugins:Length\n"
        "slow = tachograph_test_plugins:Slow\n"
        "broken = tachograph_test_plugins:Broken\n"
        "greedy = tachograph_test_plugins:Greedy\n"
    )
    source = Path(__file__).with_name("plugins.py").read_text()
    (tmp_path / "site" / "tachograph_test_plugins.py").write_text(source)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    prefix = "TACHOGRAPH_EVALUATORS_"
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "site"),
        "TACHOGRAPH_HOME": str(home),
        "TACHOGRAPH_STORE_URL": store_server.url,
        "TEST_SLOW_S": "0",
        f"{prefix}ENABLED": "length",
        f"{prefix}BROKER_POLLING_INTERVAL_S": "0.05",
        f"{prefix}PLAN_INTERVAL_S": "0.5",
        f"{prefix}SWEEP_INTERVAL_S": "0.5",
        f"{prefix}BACKFILL_WINDOW_S": "600",
        f"{prefix}START_LIMIT_S": "4",
        f"{prefix}TIME_LIMIT_S": "20",
        f"{prefix}RETRY_PAUSE_S": "0.2",
        f"{prefix}TORCH_THREADS": "1",
    }
    return Stack(environment, tmp_path)


@pytest.fixture
def writer(writer_store: Store) -> Writer:
    """Writes rows."""
    return Writer(writer_store)


@dataclass(frozen=True)
class Row:
    """A stored score, as plain `SELECT … FROM scores` shows it: neither FINAL nor DISTINCT."""

    span_id: str
    evaluator: str
    name: str
    value: float | None
    label: str | None
    error_type: str | None
    explanation: str | None
    tenant: str | None


@pytest.fixture
def scores(reader_store: Store) -> Callable[[str], list[Row]]:
    """All score rows of a project."""

    def read(project: str) -> list[Row]:
        return reader_store.query_rows(
            "SELECT span_id, evaluator, name, value, label, error_type, explanation, tenant "
            "FROM scores WHERE project = {project:String}",
            {"project": project},
            Row,
        )

    return read
