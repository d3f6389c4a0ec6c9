"""Pages run by Streamlit's AppTest against the real engine."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import tachograph_dashboard
from tachograph_dashboard import data, service
from tachograph_dashboard.settings import DashboardSettings
from tachograph_store.client import Store
from tachograph_store.writer import Writer

APP = Path(tachograph_dashboard.__file__).with_name("app.py")
TITLES = {
    "overview": "Overview",
    "traces": "Traces",
    "quality": "Quality",
    "cost": "Cost",
    "gpu": "GPU",
    "alerts": "Alerts",
    "ledger": "Ledger",
}

OpenPage = Callable[..., AppTest]


@pytest.fixture
def writer(writer_store: Store) -> Writer:
    """Writes the rows that pages then show."""
    return Writer(writer_store)


@pytest.fixture
def open_page(project: str, reader_store: Store) -> OpenPage:
    """Runs one page of the test's project, without login, over a day unless a range is given.

    Query parameters by keyword.
    """
    settings = DashboardSettings(no_login=True, project=project)
    service.install(service.build(settings, reader_store))

    def open_(path: str = "overview", **query: str) -> AppTest:
        data.forget()
        page = AppTest.from_file(APP, default_timeout=300)
        for name, value in {"range": "24 h", **query}.items():
            page.query_params[name] = value
        # AppTest.switch_page knows pages that are files only; ours are functions
        page._page_hash = calc_hash("" if path == "overview" else path)
        page.run()
        assert not page.exception, [element.message for element in page.exception]
        return page

    return open_


def badges(page: AppTest) -> str:
    """The Markdown of a page: our own words only."""
    return " ".join(str(markdown.value) for markdown in page.markdown)


def shown(page: AppTest) -> str:
    """Every text of a page, tables included, one a line."""
    lines: list[str] = []
    for element in page.main:
        for name in ("label", "value", "body", "options"):
            text = getattr(element, name, None)
            if text is not None:
                lines.append(str(text))
    for frame in page.dataframe:
        lines.append(frame.value.to_csv())
    return "\n".join(lines)
