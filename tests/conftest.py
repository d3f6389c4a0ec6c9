"""Fixtures for every tier: the real engine in a process of its own, and names that never clash."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tachograph_store.client import Store, connect
from tachograph_store.settings import StoreSettings

TIERS = ("integration", "e2e")
_READY_DEADLINE_S = 60.0

# No test depends on timing: hypothesis's deadline of 200 ms an example would.
hypothesis.settings.register_profile("tachograph", deadline=None)
hypothesis.settings.load_profile("tachograph")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The folder decides the tier: tests under `integration/` and `e2e/` get that marker."""
    tests = Path(__file__).parent
    for item in items:
        tier = item.path.relative_to(tests).parts[0]
        if tier in TIERS:
            item.add_marker(tier)


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    """A migrated embedded store in a process of its own; its settings reach it.

    `TACHOGRAPH_HOME` is set for this process, so what a test starts finds the same store.
    """
    home = tmp_path_factory.mktemp("home")
    before = os.environ.get("TACHOGRAPH_HOME")
    os.environ["TACHOGRAPH_HOME"] = str(home)
    settings = StoreSettings()
    log = (home / "store.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for_store(settings, process)
        yield settings
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()
        if before is None:
            del os.environ["TACHOGRAPH_HOME"]
        else:
            os.environ["TACHOGRAPH_HOME"] = before


def wait_for_store(settings: StoreSettings, process: "subprocess.Popen[bytes]") -> None:
    """Return when the store answers; fail when it ended or takes too long."""
    deadline = time.monotonic() + _READY_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the store ended with status {process.returncode}")
        with connect(settings) as store:
            if store.ping():
                return
        time.sleep(0.05)
    raise RuntimeError(f"the store was not ready within {_READY_DEADLINE_S:g} s")


@pytest.fixture(scope="session")
def reader_store(store_server: StoreSettings) -> Iterator[Store]:
    """The store with the reader's credential."""
    with connect(store_server, "reader") as store:
        yield store


@pytest.fixture(scope="session")
def writer_store(store_server: StoreSettings) -> Iterator[Store]:
    """The store with the writer's credential."""
    with connect(store_server, "writer") as store:
        yield store


@pytest.fixture(scope="session")
def migrator_store(store_server: StoreSettings) -> Iterator[Store]:
    """The store with the migrator's credential."""
    with connect(store_server, "migrator") as store:
        yield store


@pytest.fixture
def project() -> str:
    """A project of the test's own: tests share one store and never meet."""
    return f"test-{uuid.uuid4().hex[:12]}"
