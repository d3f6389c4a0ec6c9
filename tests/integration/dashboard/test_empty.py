"""A project without rows: every page says why it is empty and what to do."""

import pytest
from tests.integration.dashboard.conftest import OpenPage, shown


@pytest.mark.lesson(24)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("overview", "No request was recorded in this time range"),
        ("traces", "No trace in this time range"),
        ("quality", "No answer in this time range"),
        ("cost", "No request in this time range"),
        ("gpu", "No GPU seen in this time range"),
        ("alerts", "No alert has ever fired in this project"),
        ("ledger", "The books are empty"),
    ],
)
def test_empty_pages_say_so(open_page: OpenPage, path: str, said: str) -> None:
    page = open_page(path)
    assert said in shown(page)
    assert not page.metric
    assert not page.dataframe


def test_a_filter_that_matches_nothing_is_told_apart_from_no_data(open_page: OpenPage) -> None:
    assert "No request matches these filters" in shown(open_page("overview", model="unknown"))
