"""The peers, each from its published package in an environment of its own, as its manual starts it.

Both keep SQLite files, whose rows are counted directly: that is cheaper for them than any question
asked over HTTP. Phoenix acknowledges before it stores. MLflow stores first, and each of its workers
takes about half a minute for its first request: warming up is outside every measured second.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.benchmarks.environments import environment_of
from tests.benchmarks.ingest.client import Target
from tests.benchmarks.ingest.contestants import PROTOBUF
from tests.benchmarks.ingest.processes import Servers, wait_until

from tachograph_cli.supervisor.ports import choose_free

_LOCKS: Final = Path(__file__).parent / "peers"
_READY_S: Final = 180.0


class PeerServer(ABC):
    """A peer that keeps its spans in a SQLite file."""

    name: str
    package: ClassVar[str]
    count: ClassVar[str]
    by_trace: ClassVar[str]
    max_round_spans: int

    def __init__(self, folder: Path, cache: Path) -> None:
        self._bin = environment_of(_LOCKS / f"{self.name.lower()}.txt", cache)
        self.home = Path(tempfile.mkdtemp(prefix=f"{self.name.lower()}-", dir=folder))
        self.servers = Servers(self.home / "servers.log")
        self._port, self._second_port = choose_free(2)
        self.version = self._version()

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def begin(self, phase: str) -> Target: ...

    @property
    @abstractmethod
    def _database(self) -> Path: ...

    def stored(self) -> int:
        """Rows in its table of spans."""
        return int(self._ask(self.count)[0][0])

    def stored_by_trace(self) -> Mapping[str, tuple[int, int]]:
        """Trace id -> rows, distinct spans; of everything it has."""
        return {
            trace_id: (found, different) for trace_id, found, different in self._ask(self.by_trace)
        }

    def disk_bytes(self) -> int:
        """The database and whatever else it wrote, its logs left out."""
        return sum(
            path.stat().st_size
            for path in self.home.rglob("*")
            if path.is_file() and path.suffix != ".log"
        )

    def stop(self) -> None:
        """End it and remove what it stored."""
        self.servers.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        if not self._database.exists():
            return [(0,)]
        with closing(
            sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=60)
        ) as database:
            return database.execute(sql).fetchall()

    def _start(self, *argv: str, **environment: str) -> None:
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        python = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
        }
        self.servers.start(
            [str(self._bin / argv[0]), *argv[1:]], {**python, "PATH": path, **environment}
        )
        wait_until(self._answers, self.name, _READY_S, poll_s=0.2)

    def _answers(self) -> bool:
        self.servers.check()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return True  # it answers, if only that there is no such page
        except OSError:
            return False

    def _version(self) -> str:
        ask = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        run = subprocess.run(
            [str(self._bin / "python"), "-c", ask], capture_output=True, text=True, check=True
        )
        return run.stdout.strip()


class PhoenixServer(PeerServer):
    """arize-phoenix on SQLite."""

    name = "Phoenix"
    package = "arize-phoenix"
    count = "SELECT count(*) FROM spans"
    by_trace = (
        "SELECT t.trace_id, count(*), count(DISTINCT s.span_id) "
        "FROM spans s JOIN traces t ON s.trace_rowid = t.id GROUP BY t.trace_id"
    )
    max_round_spans = 20_000

    @property
    def _database(self) -> Path:
        return self.home / "phoenix.db"

    def start(self) -> None:
        """`phoenix serve`."""
        self._start(
            "phoenix",
            "serve",
            PHOENIX_WORKING_DIR=str(self.home),
            PHOENIX_HOST="127.0.0.1",
            PHOENIX_PORT=str(self._port),
            PHOENIX_GRPC_PORT=str(self._second_port),
            PHOENIX_TELEMETRY_ENABLED="false",
        )

    def begin(self, phase: str) -> Target:
        """OTLP over HTTP; one project."""
        return Target("127.0.0.1", self._port, "/v1/traces", PROTOBUF)


class MlflowServer(PeerServer):
    """mlflow's tracking server on SQLite, with the number of workers that it starts itself."""

    name = "MLflow"
    package = "mlflow"
    count = "SELECT count(*) FROM spans"
    by_trace = (
        "SELECT substr(trace_id, 4), count(*), count(DISTINCT span_id) FROM spans GROUP BY trace_id"
    )
    max_round_spans = 20_000

    @property
    def _database(self) -> Path:
        return self.home / "mlflow.db"

    def start(self) -> None:
        """`mlflow server`."""
        self._start(
            *("mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)),
            *("--backend-store-uri", f"sqlite:///{self._database}"),
            *("--artifacts-destination", str(self.home / "artifacts")),
            MLFLOW_DISABLE_TELEMETRY="true",
            DO_NOT_TRACK="true",
        )

    def begin(self, phase: str) -> Target:
        """OTLP over HTTP, into the default experiment."""
        headers = {**PROTOBUF, "x-mlflow-experiment-id": "0"}
        return Target("127.0.0.1", self._port, "/v1/traces", headers)
