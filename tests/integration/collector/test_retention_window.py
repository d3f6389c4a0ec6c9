"""A project's own days rule what may arrive, and until when it is kept."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.integration.collector.conftest import wait_for
from tests.integration.collector.forgetting.conftest import span

from tachograph_store.client import Store
from tachograph_store.rows import RetentionRow
from tachograph_store.writer import Writer

DAY_NS = 86_400_000_000_000


def send(url: str, key: str, age_days: int) -> httpx.Response:
    spans = [span(age_days, age_days, "words", start_ns=time.time_ns() - age_days * DAY_NS)]
    return httpx.post(
        f"{url}/v1/traces",
        json={"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]},
        headers={"authorization": f"Bearer {key}"},
        timeout=60,
    )


@pytest.mark.usefixtures("one_day")
def test_shorter_and_longer_days_than_the_settings(
    collector_url: str, writer_store: Store, make_key: Callable[..., str], project: str
) -> None:
    long, short = f"{project}-long", f"{project}-short"
    rows = [
        RetentionRow(project=long, spans_days=400, content_days=300),
        RetentionRow(project=short, spans_days=10),
    ]
    Writer(writer_store).write("retention", rows)
    old_key, short_key = make_key(long, "ingest"), make_key(short, "ingest")
    assert send(collector_url, old_key, 200).json() == {}
    refused = send(collector_url, short_key, 20).json()
    assert int(refused["partialSuccess"]["rejectedSpans"]) == 1
    assert "older than the retention" in refused["partialSuccess"]["errorMessage"]
    assert send(collector_url, short_key, 5).json() == {}

    def stored(name: str) -> list[dict[str, object]]:
        return writer_store.query(
            "SELECT expires_on, content_expires_on FROM spans WHERE project = {project:String}",
            {"project": name},
        )

    wait_for(lambda: bool(stored(long) and stored(short)), "both spans")
    today = datetime.now(UTC).date()
    assert stored(long) == [
        {
            "expires_on": today + timedelta(days=200),
            "content_expires_on": today + timedelta(days=100),
        }
    ]
    assert stored(short) == [
        {
            "expires_on": today + timedelta(days=5),
            "content_expires_on": today + timedelta(days=5),
        }
    ]
