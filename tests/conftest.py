"""Fixtures for every tier: the real engine in a process of its own, and names that never clash."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from tests.fixtures.store_process import running_store

from tachograph_store.client import Store, connect
from tachograph_store.settings import StoreSettings

TIERS = ("integration", "e2e")
_LONGEST_TEST = timedelta(seconds=90)

# No test depends on timing: hypothesis's deadline of 200 ms an example would.
hypothesis.settings.register_profile("tachograph", deadline=None)
hypothesis.settings.load_profile("tachograph")


def pytest_configure(config: pytest.Config) -> None:
    """`@pytest.mark.lesson(17)`: the trap of lessons.toml that the test shows we do not fall into."""
    config.addinivalue_line(
        "markers", "lesson(*numbers): what lessons.toml tells cannot happen here"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The folder decides the tier: tests under `integration/` and `e2e/` get that marker."""
    tests = Path(__file__).parent
    for item in items:
        tier = item.path.relative_to(tests).parts[0]
        if tier in TIERS:
            item.add_marker(tier)


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    """A migrated embedded store in a process of its own; its settings reach it."""
    with running_store(tmp_path_factory.mktemp("home")) as settings:
        yield settings


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
def one_day() -> None:
    """For tests that compare dates: the UTC day does not end while they run. It waits for the next
    one, at most a minute and a half."""
    now = datetime.now(UTC)
    if (now + _LONGEST_TEST).date() != now.date():
        midnight = (now + _LONGEST_TEST).replace(hour=0, minute=0, second=0, microsecond=0)
        time.sleep((midnight - now).total_seconds() + 0.1)


@pytest.fixture
def project() -> str:
    """A project of the test's own: tests share one store and never meet."""
    return f"test-{uuid.uuid4().hex[:12]}"
