"""Tachograph as a contestant: the store and collector processes that `tachograph up` runs."""

import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.benchmarks.ingest.client import Target
from tests.benchmarks.ingest.contestants import PROTOBUF
from tests.benchmarks.ingest.processes import Servers, wait_until

from tachograph.version import __version__
from tachograph_cli.home import Home
from tachograph_cli.stack import StackOptions, choose_ports, service_specs
from tachograph_cli.supervisor import ServiceSpec
from tachograph_store.client import Store, connect
from tachograph_store.keys import create_key
from tachograph_store.settings import StoreSettings

_READY_S = 60.0
# Known of each part: with a filter it costs four times that, from the same two cores. What belongs to the
# phase is looked for trace by trace after each round (`measure.books`).
_COUNT = "SELECT count() AS stored FROM spans"

_BY_TRACE = """
SELECT trace_id, count() AS found, uniqExact(span_id) AS different
FROM spans WHERE project = {project:String} GROUP BY trace_id
"""
# What a day looks like when it is over and merged: the search index apart from everything else.
_PARTS = """
SELECT sum(rows) AS stored, sum(bytes_on_disk) AS size,
    sum(secondary_indices_compressed_bytes + secondary_indices_marks_bytes) AS skipping
FROM system.parts WHERE table = 'spans' AND active AND partition = {partition:String}
"""
_INDICES = """
SELECT type, sum(data_compressed_bytes + marks_bytes) AS size
FROM system.data_skipping_indices WHERE table = 'spans' GROUP BY type
"""
_SEARCH_TYPES = ("text", "tokenbf", "ngrambf", "sparse_grams", "inverted", "full_text")


class TachographStack:
    """Everything on: keys, translation, prices, journal, deduplication, whatever indexes the
    migrations make. Worker, beat and dashboard are left out: they take no spans in."""

    name = "Tachograph"
    version = __version__
    max_round_spans = 10**9

    def __init__(self, folder: Path) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tachograph-", dir=folder))
        self.servers = Servers(self.home / "servers.log")
        self.settings = StoreSettings(url=f"embedded://{self.home / 'store'}")
        self._stores: dict[str, Store] = {}
        self._project = "default"
        self._specs: list[ServiceSpec] = []

    def start(self) -> None:
        """Store first, collectors when it answers, as the supervisor does."""
        home = Home(self.home)
        home.ensure()
        options = StackOptions(dashboard=False)
        ports = choose_ports(options, auto=True, offset=0)
        self._specs = [
            spec
            for spec in service_specs(home, ports, options)
            if spec.name.startswith(("store", "collector"))
        ]
        for spec in self._specs:
            self.servers.start(spec.argv, {**os.environ, **spec.env})
            url = f"{spec.url}{'/ping' if spec.name == 'store' else '/readyz'}"
            wait_until(partial(self._answers, url), f"{spec.name} at {url}", _READY_S)

    def begin(self, phase: str) -> Target:
        """A project of its own, with a key."""
        self._project = phase
        key = create_key(self.store("writer"), phase, "ingest", "benchmark").key
        collector = next(spec for spec in self._specs if spec.name.startswith("collector"))
        assert collector.port is not None
        headers = {**PROTOBUF, "authorization": f"Bearer {key}"}
        return Target("127.0.0.1", collector.port, "/v1/traces", headers)

    def stored(self) -> int:
        """Rows of all projects, duplicates included."""
        rows = self.store("reader").query(_COUNT)
        return int(rows[0]["stored"])

    def stored_by_trace(self) -> Mapping[str, tuple[int, int]]:
        """Trace id -> rows, distinct spans."""
        rows = self.store("reader").query(_BY_TRACE, {"project": self._project})
        return {row["trace_id"]: (row["found"], row["different"]) for row in rows}

    def collector_bytes(self) -> int:
        """Resident memory of the collector's processes; the store was started before them."""
        return self.servers.resident_bytes(first=1)

    def disk_bytes(self) -> int:
        """What the home takes, old parts, journal and logs included."""
        return sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())

    def span_bytes(self, day: str) -> tuple[float, float]:
        """Bytes a span of that partition on disk once merged: without the search index, and what
        it adds."""
        self.store("migrator").command(f"OPTIMIZE TABLE spans PARTITION '{day}' FINAL")
        reader = self.store("reader")
        parts = reader.query(_PARTS, {"partition": day})[0]
        sizes = {row["type"]: row["size"] for row in reader.query(_INDICES)}
        search = sum(size for type_, size in sizes.items() if type_.startswith(_SEARCH_TYPES))
        share = search / sum(sizes.values()) if sizes and sum(sizes.values()) else 0.0
        search_bytes = share * parts["skipping"]
        return (parts["size"] - search_bytes) / parts["stored"], search_bytes / parts["stored"]

    def store(self, role: str) -> Store:
        """A connection under one of the store's three credentials."""
        if role not in self._stores:
            self._stores[role] = connect(self.settings, role)  # type: ignore[arg-type]
        return self._stores[role]

    def stop(self) -> None:
        """End the servers and remove the home."""
        for store in self._stores.values():
            store.close()
        self.servers.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _answers(self, url: str) -> bool:
        self.servers.check()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
