"""The course of a trace, as a browser draws it."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page
from tests.e2e.dashboard.screenshots import log_in, settle
from tests.fixtures.seed import busy_day

from tachograph_store.writer import Writer

pytestmark = pytest.mark.e2e

BARS = '[data-testid="stVegaLiteChart"] path[aria-roledescription="bar"]'


def test_the_bars_of_a_short_trace_do_not_touch(
    page: Page, dashboard_url: str, read_key: str, project: str, writer: Writer
) -> None:
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=8)
    trace_id = seed.spans[0].trace_id
    pair = [span for span in seed.spans if span.trace_id == trace_id][:2]
    writer.write_spans(pair)
    log_in(page, f"{dashboard_url}/traces?trace={trace_id}", read_key)
    settle(page)
    boxes = [bar.bounding_box() for bar in page.locator(BARS).all()]
    drawn = sorted((box["y"], box["height"]) for box in boxes if box is not None)
    assert len(drawn) == len(pair) == 2
    (top, height), (next_top, _) = drawn
    assert top + height < next_top
