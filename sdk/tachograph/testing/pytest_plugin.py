"""Fixtures for pytest: `pytest_plugins = ["tachograph.testing.pytest_plugin"]`."""

from collections.abc import Iterator

import pytest

from tachograph.testing.receiver import Receiver
from tachograph.testing.session import recording


@pytest.fixture
def tachograph_receiver() -> Iterator[Receiver]:
    """The SDK recording into a receiver of this test's own."""
    with recording() as receiver:
        yield receiver
