"""A store that does not answer is said on the page, with what to do; nothing breaks."""

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from tests.integration.dashboard.conftest import APP, TITLES, shown

from tachograph_dashboard import data, service
from tachograph_dashboard.settings import DashboardSettings
from tachograph_store.client import connect
from tachograph_store.settings import StoreSettings


@pytest.mark.parametrize("path", list(TITLES))
def test_a_page_says_that_the_store_is_away(path: str, project: str) -> None:
    store = connect(StoreSettings(url="http://127.0.0.1:9"), "reader")
    service.install(service.build(DashboardSettings(no_login=True, project=project), store))
    data.forget()
    page = AppTest.from_file(APP, default_timeout=300)
    page._page_hash = calc_hash("" if path == "overview" else path)
    page.run()
    assert not page.exception
    assert [error.value for error in page.error] == ["The store did not answer this page."]
    assert "tachograph doctor" in shown(page)
