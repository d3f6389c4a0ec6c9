"""Unit cost on the Cost page: its numbers are the store's, and without a price it asks for one."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.fixtures.seed import Seed, busy_day
from tests.integration.dashboard.conftest import OpenPage, badges, shown

from tachograph_dashboard import service
from tachograph_dashboard.settings import DashboardSettings
from tachograph_store.client import Store
from tachograph_store.writer import Writer


@pytest.fixture(scope="module")
def project() -> str:
    """One for all tests of the module, which only read it."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def day(project: str, writer_store: Store) -> Seed:
    """Forty requests of the last day on two GPUs."""
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=40)
    seed.write(Writer(writer_store))
    return seed


def test_a_million_tokens_pays_the_idle_machine(
    day: Seed, open_page: OpenPage, project: str, reader_store: Store
) -> None:
    settings = DashboardSettings(
        no_login=True, project=project, gpu_hour_price=Decimal("2.40"), currency="USD"
    )
    service.install(service.build(settings, reader_store))
    page = open_page("cost")
    frames = [frame.value for frame in page.dataframe if "break_even" in frame.value]
    models, tenants = frames
    counted = [span for span in day.spans if span.is_counted]
    gpu_s = sum(span.gpu_seconds or 0 for span in counted)
    tokens = sum((s.input_tokens or 0) + (s.output_tokens or 0) for s in counted)
    assert models["tokens"].sum() == tenants["tokens"].sum() == tokens
    for frame in (models, tenants):
        used = (frame["busy"] * frame["tokens"]).sum() / 1e6
        assert used == pytest.approx(gpu_s * 2.40 / 3600)
        own = (frame["own"] * frame["tokens"]).sum() / 1e6
        # two devices were seen all day; the page's day ends up to ten seconds after the seed's
        assert own == pytest.approx(2 * 24 * 2.40, rel=0.01)
    assert "2 GPUs" in badges(page)
    assert "used now (the dot)" in shown(page)
    without = sum(span.energy_j is None for span in counted)
    assert not without or f"{without} of 40 requests" in shown(page)


def test_without_a_price_it_says_which_setting_is_missing(day: Seed, open_page: OpenPage) -> None:
    page = open_page("cost")
    assert "TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE" in badges(page)
    assert not [frame for frame in page.dataframe if "break_even" in frame.value]
