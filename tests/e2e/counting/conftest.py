"""The stack of a test: all that may report a request."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.counting.stack import PRICES, Stack, process_at
from tests.fixtures.store_process import running_store
from tests.integration.sdk.openai_server import openai_server

from tachograph_store.client import connect


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """All of it, for one test."""
    with (
        running_store(tmp_path) as settings,
        openai_server() as engine,
        process_at(tmp_path, "tachograph_collector.command", **PRICES) as collector_url,
        process_at(
            tmp_path,
            "tachograph_sidecar.command",
            "--upstream",
            engine.url.removesuffix("/v1"),
            "--endpoint",
            collector_url,
        ) as sidecar_url,
        connect(settings, "writer") as store,
    ):
        yield Stack(store, engine, collector_url, sidecar_url)
