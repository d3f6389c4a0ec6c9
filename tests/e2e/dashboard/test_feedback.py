"""A person opens a trace, presses thumbs up, and the score is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.dashboard.conftest import wait_for
from tests.e2e.dashboard.screenshots import log_in, settle
from tests.fixtures.seed import Seed, busy_day

from tachograph_store.client import Store
from tachograph_store.queries.traces import trace_scores
from tachograph_store.rows import ScoreRow
from tachograph_store.writer import Writer


@pytest.fixture
def day(project: str, writer: Writer) -> Seed:
    """A few requests of the last day."""
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=8)
    seed.write(writer)
    return seed


def test_picking_a_row_opens_its_trace_and_a_verdict_is_stored(
    page: Page, dashboard_url: str, read_key: str, project: str, day: Seed, reader_store: Store
) -> None:
    log_in(page, f"{dashboard_url}/traces", read_key)
    settle(page)
    # The grid is a canvas: the box that picks the first row is at its left edge, under the header
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 52)
    expect(page.get_by_role("heading", name="Trace", exact=True)).to_be_visible()
    newest = max((s for s in day.spans if not s.parent_span_id), key=lambda s: s.start_time)
    assert f"trace={newest.trace_id}" in page.url
    counted = next(s for s in day.spans if s.trace_id == newest.trace_id and s.is_counted)

    page.get_by_placeholder("Comment (optional)").fill("just what I needed")
    page.get_by_placeholder("Comment (optional)").press("Tab")
    settle(page)
    page.get_by_role("button", name="Good").click()
    expect(page.get_by_text("Feedback stored.")).to_be_visible()

    def verdicts() -> list[ScoreRow]:
        scores = trace_scores(reader_store, project, newest.trace_id)
        return [score for score in scores if score.explanation == "just what I needed"]

    wait_for(lambda: bool(verdicts()), "the score in the store")
    (verdict,) = verdicts()
    assert verdict.source == "human"
    assert (verdict.name, verdict.value, verdict.label) == ("thumbs", 1.0, "up")
    assert verdict.span_id == counted.span_id
    assert verdict.author


def test_a_trace_of_another_project_takes_no_verdict(
    page: Page, dashboard_url: str, read_key: str, project: str, writer: Writer
) -> None:
    foreign = busy_day(f"{project}-other", datetime.now(UTC), requests=1)
    foreign.write(writer)
    log_in(page, f"{dashboard_url}/traces?trace={foreign.spans[0].trace_id}", read_key)
    expect(page.get_by_text("This project has no such trace")).to_be_visible()
    expect(page.get_by_role("button", name="Good")).to_have_count(0)


def test_numbers_lead_to_their_traces(
    page: Page, dashboard_url: str, read_key: str, day: Seed
) -> None:
    log_in(page, f"{dashboard_url}/?range=7+d", read_key)
    settle(page)
    page.get_by_role("link", name="Slowest traces").click()
    expect(page.get_by_role("heading", name="Traces")).to_be_visible()
    settle(page)
    expect(page.get_by_text("All that match: 8 traces")).to_be_visible()
    assert "range=7" in page.url
