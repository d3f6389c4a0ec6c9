"""Pages of projects that lack something, or whose books do not balance."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.fixtures.seed import busy_day
from tests.integration.dashboard.conftest import OpenPage, badges, shown

from tachograph_store.writer import Writer


def test_a_missing_compute_price_is_not_blamed_on_a_missing_gpu(
    project: str, writer: Writer, open_page: OpenPage
) -> None:
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=2)
    seed.spans = [replace(span, compute_cost=None, gpu_seconds=None) for span in seed.spans]
    seed.write(writer)
    text = shown(open_page("overview"))
    assert "needs a GPU or machine price in the settings" in text
    assert "no GPU seen" not in text


def test_books_that_do_not_balance_are_called_so(
    open_page: OpenPage, writer: Writer, project: str
) -> None:
    day = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=2)
    day.write(writer)
    line = next(row for row in day.ledger if row.outcome == "stored" and row.sequence == 0)
    writer.write("ledger", [replace(line, collector="collector-2", count=7)])
    page = open_page("ledger")
    assert "not balanced: 1 of" in badges(page)
    assert "not accounted for" in " ".join(page.dataframe[0].value["balance"])
