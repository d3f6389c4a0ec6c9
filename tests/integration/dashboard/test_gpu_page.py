"""The GPU page tells where the joules went, whether they add up, and what the engines did."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.gpu_life import ENGINE, OTHER, gpu_life
from tests.fixtures.seed import Seed, busy_day
from tests.integration.dashboard.conftest import OpenPage, badges, shown

from tachograph_store.client import Store
from tachograph_store.writer import Writer


@pytest.fixture(scope="module")
def project() -> str:
    """One for all tests of the module, which only read it."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def day(project: str, writer_store: Store) -> Seed:
    """A few requests, two devices, and an hour of what sidecar and engine tell."""
    until = datetime.now(UTC) - timedelta(seconds=5)
    seed = busy_day(project, until, requests=5)
    writer = Writer(writer_store)
    seed.write(writer)
    writer.write("engine_readings", gpu_life(project, until))
    return seed


def test_the_accounts_stand_with_their_errors_and_add_up(day: Seed, open_page: OpenPage) -> None:
    page = open_page("gpu")
    text = shown(page)
    # 119 steps of 13, 5, 1.9 and 0.1 kJ; a counter of 20
    assert "requests 1.55 MJ + idle 595 kJ + other processes 226 kJ ± 71.4 kJ" in text
    assert "unattributed 11.9 kJ (0.5 %) = counter 2.38 MJ" in text
    assert not page.warning


def test_errors_links_and_processes_are_told_by_device(day: Seed, open_page: OpenPage) -> None:
    page = open_page("gpu")
    frames = [frame.value for frame in page.dataframe]
    health = next(frame for frame in frames if "xids" in frame)
    assert list(health["device"]) == ["GPU 0"]
    assert (health["ecc_corrected"][0], health["ecc_uncorrected"][0]) == (2, 0)
    assert health["xids"][0] == "79 × 1"
    assert health["nvlink_sent"][0] == pytest.approx(119 * 0.4)
    processes = next(frame for frame in frames if "whose" in frame)
    assert list(processes["pid"]) == [ENGINE, OTHER]
    assert list(processes["whose"]) == ["the engine's", "another's"]


def test_batches_and_cache(day: Seed, open_page: OpenPage) -> None:
    page = open_page("gpu")
    assert "Source: vllm:num_requests_running" in shown(page)
    assert "mean" in badges(page) and "KV cache" in badges(page)
