"""A store and collectors of one test's own, to be killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tachograph_collector.books import Books
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.client import Store, connect
from tachograph_store.queries.ledger import LedgerBalance, ledger_balance
from tachograph_store.settings import StoreSettings

OpenStation = Callable[..., JournalStation]
"""Takes what `JournalStation` takes besides its settings, link and books."""


class Stack:
    """One home, its store and any number of collectors."""

    def __init__(self, home: Path, harness: Any) -> None:
        self.home = home
        self.settings = StoreSettings(url=f"embedded://{home}/store")
        self._harness = harness
        self._store: subprocess.Popen[bytes] | None = None
        self._collectors: list[subprocess.Popen[str]] = []

    def start_store(self) -> None:
        with (self.home / "store.log").open("ab") as log:
            self._store = subprocess.Popen(
                [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"],
                stdout=log,
                stderr=log,
                env={**os.environ, "TACHOGRAPH_HOME": str(self.home)},
            )
        with connect(self.settings) as store:
            self._harness.wait_for(store.ping, "the store")

    def kill_store(self) -> None:
        assert self._store is not None
        self._store.kill()
        self._store.wait()
        self._store = None

    def start_collector(self, **environment: str) -> tuple["subprocess.Popen[str]", str]:
        process, url = self._harness.start_collector(self.home, **environment)
        self._collectors.append(process)
        return process, url

    def kill_collector(self, process: "subprocess.Popen[str]") -> None:
        process.kill()
        process.wait()

    def journal(self, url: str) -> dict[str, Any]:
        journal: dict[str, Any] = httpx.get(f"{url}/healthz", timeout=60).json()["journal"]
        return journal

    def settle(self, url: str) -> None:
        self._harness.wait_for(
            lambda: self.journal(url)["waiting_records"] == 0, "an empty journal"
        )

    def export(self, url: str, *spans: Any, service: str = "shop") -> httpx.Response:
        body = self._harness.trace_body(*spans, service=service)
        headers = {"content-type": "application/x-protobuf"}
        return httpx.post(f"{url}/v1/traces", content=body, headers=headers, timeout=60)

    def stored(self) -> list[str]:
        """The span ids of all rows, as a plain table has them."""
        with connect(self.settings) as store:
            return [row["span_id"] for row in store.query("SELECT span_id FROM spans")]

    def ledger(self, url: str) -> dict[str, int]:
        """Records of spans by outcome."""
        entries = httpx.get(f"{url}/api/v1/ledger", timeout=60).json()["entries"]
        sums: dict[str, int] = {}
        for entry in entries:
            sums[entry["outcome"]] = sums.get(entry["outcome"], 0) + entry["count"]
        return sums

    def balance(self) -> list[LedgerBalance]:
        """The books in full."""
        with connect(self.settings) as store:
            return ledger_balance(store, "default")

    def unbalanced(self) -> list[LedgerBalance]:
        """Sources of which an equation does not hold."""
        return [line for line in self.balance() if not line.is_balanced]

    def stop(self) -> None:
        for process in self._collectors:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=120)
            if process.stdout is not None:
                process.stdout.close()
        if self._store is not None:
            self._store.terminate()
            self._store.wait(timeout=120)


@pytest.fixture
def stack(tmp_path: Path, harness: Any) -> Iterator[Stack]:
    """Nothing of it is started."""
    running = Stack(tmp_path, harness)
    yield running
    running.stop()


@pytest.fixture
def settings(tmp_path: Path) -> CollectorSettings:
    """A journal of the test's own."""
    return CollectorSettings(journal_dir=tmp_path / "journal", ledger_interval_s=0.2)


@pytest.fixture
def books() -> Books:
    """Empty."""
    return Books()


@pytest.fixture
def open_station(
    store_server: StoreSettings, settings: CollectorSettings, books: Books
) -> Iterator[OpenStation]:
    """Makes stations on the shared store, in this process, one after the other."""
    links: list[StoreLink] = []

    def make(**more: Any) -> JournalStation:
        links.append(StoreLink(store_server))
        return JournalStation(settings, links[-1], books, **more)

    yield make
    for link in links:
        link.close()


def ledger_of(store: Store, project: str) -> dict[tuple[str, str, str], int]:
    """What the books have, by source, outcome and reason."""
    window = {"project": project, "since_ns": 0, "until_ns": 2**62}
    return {
        (row["source"], row["outcome"], row["reason"]): row["total"]
        for row in store.rows("ledger_entries", window)
    }


def finish(station: JournalStation) -> None:
    """Drain everything that lies in the journal."""
    station.start()
    assert station.stop(180)
    assert station.health().waiting_records == 0
