"""Two projects: no page of one shows a row of the other."""

import re
import uuid
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.seed import Seed, busy_day, chat
from tests.integration.dashboard.conftest import TITLES, OpenPage, shown

from tachograph_store.client import Store
from tachograph_store.writer import Writer

FOREIGN = "zzforeign"


def foreign_day(project: str, until: datetime) -> Seed:
    """A day whose every name and text says that it is foreign."""
    seed = busy_day(project, until, requests=15, seed=11)
    seed.spans = [
        replace(
            span,
            name=f"{FOREIGN} {span.name}",
            tenant=FOREIGN,
            user=FOREIGN,
            session=FOREIGN,
            variant=FOREIGN,
            request_model=span.request_model and FOREIGN,
            response_model=span.response_model and FOREIGN,
            prompt=span.prompt and chat("user", FOREIGN),
            completion=span.completion and chat("assistant", FOREIGN),
        )
        for span in seed.spans
    ]
    seed.scores = [replace(s, name=f"{FOREIGN} {s.name}", explanation=FOREIGN) for s in seed.scores]
    seed.gpu_readings = [replace(row, host=FOREIGN, gpu_id=FOREIGN) for row in seed.gpu_readings]
    seed.incidents = [replace(row, rule=FOREIGN, summary=FOREIGN) for row in seed.incidents]
    seed.deliveries = [replace(row, channel=FOREIGN) for row in seed.deliveries]
    seed.ledger = [replace(row, source=FOREIGN) for row in seed.ledger]
    return seed


@pytest.fixture(scope="module")
def project() -> str:
    """One for all tests of the module, which only read it."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def foreign(project: str, writer_store: Store) -> Seed:
    """Both projects have rows of the same hours."""
    writer = Writer(writer_store)
    until = datetime.now(UTC) - timedelta(seconds=5)
    busy_day(project, until, requests=15).write(writer)
    seed = foreign_day(f"{project}-foreign", until)
    seed.write(writer)
    return seed


@pytest.mark.parametrize("path", list(TITLES))
def test_no_page_shows_a_foreign_row(foreign: Seed, open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    text = shown(page)
    assert page.metric or page.dataframe
    assert FOREIGN not in text
    assert not any(FOREIGN in str(box.options) for box in page.selectbox)


def test_a_foreign_trace_cannot_be_opened(foreign: Seed, open_page: OpenPage) -> None:
    text = shown(open_page("traces", trace=foreign.spans[0].trace_id))
    assert "no such trace" in text
    assert FOREIGN not in text


@pytest.mark.parametrize(
    "query", [{"q": FOREIGN}, {"only": "A score below 0.5"}, {"tenant": FOREIGN}]
)
def test_no_search_or_filter_finds_a_foreign_row(
    foreign: Seed, open_page: OpenPage, query: dict[str, str]
) -> None:
    page = open_page("traces", **query)
    frames = "".join(frame.value.to_csv() for frame in page.dataframe)
    assert FOREIGN not in frames


def test_every_table_of_the_seed_has_foreign_rows(foreign: Seed) -> None:
    for table in fields(foreign):
        rows = getattr(foreign, table.name)
        assert rows, table.name
        assert re.search(FOREIGN, repr(rows)), table.name
