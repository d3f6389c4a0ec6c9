"""The Traces page's other views: search, sessions, who has the most, what ran beside a request."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.seed import Seed, busy_day
from tests.integration.dashboard.conftest import OpenPage, shown

from tachograph_store.client import Store
from tachograph_store.writer import Writer


@pytest.fixture(scope="module")
def project() -> str:
    """One for all tests of the module, which only read it."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def day(project: str, writer_store: Store) -> Seed:
    """Twenty requests of the last day."""
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=20)
    seed.write(Writer(writer_store))
    return seed


def test_sessions_lead_to_their_traces(day: Seed, open_page: OpenPage) -> None:
    sessions = {span.session for span in day.spans if span.session}
    page = open_page("traces", view="Sessions")
    listed = page.dataframe[0].value
    assert set(listed["session"]) == sessions
    counted = [span for span in day.spans if span.is_counted and span.session in sessions]
    assert int(listed["requests"].sum()) == len(counted)
    session = str(listed["session"][0])
    expected = {span.trace_id for span in day.spans if span.session == session}
    page = open_page("traces", session=session)
    assert len(page.dataframe[0].value) == len(expected)
    assert f"Session {session}" in shown(page)


def test_who_has_the_most(day: Seed, open_page: OpenPage) -> None:
    page = open_page("traces", view="Who has the most", by="Tenants", most="by tokens")
    listed = page.dataframe[0].value
    tokens: dict[str, int] = {}
    for span in day.spans:
        if span.is_counted and span.tenant:
            tokens[span.tenant] = (
                tokens.get(span.tenant, 0) + (span.input_tokens or 0) + (span.output_tokens or 0)
            )
    assert list(listed["segment"]) == sorted(tokens, key=lambda name: -tokens[name])


def test_a_search_that_cannot_be_asked_says_so(day: Seed, open_page: OpenPage) -> None:
    text = shown(open_page("traces", q="*a*"))
    assert "This cannot be searched for." in text
    assert "at least 3 letters" in text


def test_a_phrase_finds_the_answer_that_has_it(day: Seed, open_page: OpenPage) -> None:
    page = open_page("traces", q='"what should I do FIRST"')
    expected = {s.trace_id for s in day.spans if s.is_counted and "do first" in (s.prompt or "")}
    assert expected
    assert len(page.dataframe[0].value) == len(expected)
    assert not open_page("traces", q='"first do I should what"').dataframe


def test_neighbours_are_shown_when_asked_for(day: Seed, open_page: OpenPage) -> None:
    call = next(span for span in day.spans if span.is_counted)
    page = open_page("traces", trace=call.trace_id)
    page.toggle(key="neighbours").set_value(True).run()
    assert not page.exception
    text = shown(page)
    assert "No other model call ran on this engine." in text or "Began (s)" in str(page.dataframe)
