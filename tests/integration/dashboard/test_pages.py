"""Every page over a seeded day: its numbers are those of the rows, each request counted once."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest
from tests.fixtures.seed import Seed, busy_day
from tests.integration.dashboard.conftest import TITLES, OpenPage, badges, shown

from tachograph_dashboard import formats, trace_filters
from tachograph_store.client import Store
from tachograph_store.queries.finding import Only
from tachograph_store.writer import Writer

REQUESTS = 60


@pytest.fixture(scope="module")
def project() -> str:
    """One for all tests of the module, which only read it."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def day(project: str, writer_store: Store) -> Seed:
    """Sixty requests of the last day."""
    seed = busy_day(project, datetime.now(UTC) - timedelta(seconds=5), requests=REQUESTS)
    seed.write(Writer(writer_store))
    return seed


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in page.metric}


@pytest.mark.parametrize("path", list(TITLES))
def test_every_page_has_its_title_and_no_complaint(
    day: Seed, open_page: OpenPage, path: str
) -> None:
    page = open_page(path)
    assert [header.value for header in page.header] == [TITLES[path]]
    assert not page.error
    assert "Times in UTC" in [caption.value for caption in page.caption]


def test_overview_counts_each_request_once(day: Seed, open_page: OpenPage) -> None:
    counted = [span for span in day.spans if span.is_counted]
    page = open_page("overview")
    numbers = metrics(page)
    assert numbers["Requests"] == str(REQUESTS)
    assert numbers["Input tokens"] == formats.compact(sum(s.input_tokens or 0 for s in counted))
    assert numbers["List price"] == formats.money(
        sum(span.list_cost for span in counted if span.list_cost is not None)
    )


def test_overview_says_what_is_missing(day: Seed, open_page: OpenPage) -> None:
    counted = [span for span in day.spans if span.is_counted]
    without = sum(span.time_to_first_chunk_s is None for span in counted)
    judged = {score.span_id for score in day.scores if score.source == "evaluator"}
    answered = [span for span in counted if span.status_code != "ERROR"]
    unscored = sum(span.span_id not in judged for span in answered)
    text = shown(open_page("overview"))
    assert f"{without} of {REQUESTS} requests have no first-chunk time" in text
    assert f"{unscored} of {len(answered)} answers not yet scored" in text


def test_filters_in_the_url_narrow_the_page(day: Seed, open_page: OpenPage) -> None:
    counted = [span for span in day.spans if span.is_counted]
    tenant = counted[0].tenant
    assert tenant is not None
    page = open_page("overview", tenant=tenant)
    expected = sum(span.tenant == tenant for span in counted)
    assert metrics(page)["Requests"] == str(expected) != str(REQUESTS)
    assert page.selectbox(key="tenant").value == tenant


def test_a_range_in_the_url_narrows_the_page(day: Seed, open_page: OpenPage) -> None:
    since = datetime.now(UTC) - timedelta(hours=6)
    expected = sum(
        span.is_counted and span.start_time / 1e9 > since.timestamp() for span in day.spans
    )
    numbers = metrics(open_page("overview", range="6 h"))
    assert abs(int(numbers["Requests"]) - expected) <= 1  # one may cross the edge meanwhile


def test_traces_lists_every_trace_and_pages_through_them(day: Seed, open_page: OpenPage) -> None:
    page = open_page("traces")
    first = page.dataframe[0].value
    assert len(first) == 50
    next(button for button in page.button if button.label == "Older").click()
    page.run()
    second = page.dataframe[0].value
    assert len(second) == REQUESTS - 50
    assert first["start"].min() >= second["start"].max()


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("failed", lambda day: {s.trace_id for s in day.spans if s.status_code == "ERROR"}),
        (
            "low_score",
            lambda day: {s.trace_id for s in day.scores if s.value is not None and s.value < 0.5},
        ),
        (
            "no_first_chunk",
            lambda day: {
                s.trace_id for s in day.spans if s.is_counted and s.time_to_first_chunk_s is None
            },
        ),
    ],
)
def test_the_ways_from_numbers_lead_to_their_traces(
    day: Seed, open_page: OpenPage, only: Only, expected: object
) -> None:
    assert callable(expected)
    wanted = expected(day)
    page = open_page("traces", **trace_filters.only(only))
    rows = len(page.dataframe[0].value) if page.dataframe else 0
    assert rows == len(wanted)


def test_slowest_first(day: Seed, open_page: OpenPage) -> None:
    durations = list(open_page("traces", order="Slowest first").dataframe[0].value["duration_s"])
    assert durations == sorted(durations, reverse=True)


def test_search_finds_words_of_prompts_and_answers(day: Seed, open_page: OpenPage) -> None:
    counted = [span for span in day.spans if span.is_counted]
    expected = {s.trace_id for s in counted if "ROUTER" in f"{s.prompt}{s.completion}".upper()}
    page = open_page("traces", q="the Router")
    assert 0 < len(page.dataframe[0].value) == len(expected)
    assert not open_page("traces", q="no such words").dataframe


def test_a_trace_shows_messages_scores_and_what_they_point_at(
    day: Seed, open_page: OpenPage
) -> None:
    score = next(score for score in day.scores if score.offsets)
    span = next(span for span in day.spans if span.span_id == score.span_id)
    page = open_page("traces", trace=score.trace_id)
    texts = [element.value for element in page.text]
    assert span.context in texts
    assert any("⟦j.doe@acme.io⟧" in text for text in texts)
    assert any("my e-mail is j.doe@acme.io" in text for text in texts)
    scores = next(frame.value for frame in page.dataframe if "explanation" in frame.value)
    assert set(scores["name"]) == {s.name for s in day.scores if s.trace_id == score.trace_id}
    assert metrics(page)["Lowest score"] == "0.00"


def test_an_unknown_trace_says_so(open_page: OpenPage) -> None:
    assert "no such trace" in shown(open_page("traces", trace="0" * 32))


def test_quality_shows_scores_worst_answers_and_errors(day: Seed, open_page: OpenPage) -> None:
    page = open_page("quality")
    summary = page.dataframe[0].value.set_index("name")
    pii = [score.value for score in day.scores if score.name == "pii"]
    assert summary.loc["pii", "below"] == sum(value is not None and value < 0.5 for value in pii)
    worst = next(
        frame.value for frame in page.dataframe if {"span_time", "value"} <= set(frame.value)
    )
    assert list(worst["value"]) == sorted(worst["value"])
    errors = [score for score in day.scores if score.error_type]
    assert metrics(page)["Evaluator errors"] == str(len(errors))


def test_cost_sums_tenants_and_models_once(day: Seed, open_page: OpenPage) -> None:
    counted = [span for span in day.spans if span.is_counted]
    tenants, models = (frame.value for frame in open_page("cost").dataframe[-2:])
    total = float(sum(span.list_cost for span in counted if span.list_cost is not None))
    assert tenants["list_cost"].sum() == pytest.approx(total)
    assert models["list_cost"].sum() == pytest.approx(total)
    assert tenants["requests"].sum() == REQUESTS
    row = models.iloc[0]
    priced = [s for s in counted if s.response_model == row["name"] and s.list_cost is not None]
    tokens = sum((s.input_tokens or 0) + (s.output_tokens or 0) for s in priced)
    cost = float(sum(s.list_cost for s in priced if s.list_cost is not None))
    assert row["list_per_million"] == pytest.approx(cost / tokens * 1e6)


def test_gpu_shows_devices(day: Seed, open_page: OpenPage) -> None:
    page = open_page("gpu")
    assert metrics(page)["Devices"] == "2"
    last = [row for row in day.gpu_readings if row.gpu_index == 0][-1]
    assert page.dataframe[0].value["power_w"][0] == pytest.approx(last.power_w)
    text = shown(page)
    assert "No sidecar told what it attributed" in text
    assert "No engine says how full its KV cache is." in text


def test_alerts_show_incidents_and_attempts(day: Seed, open_page: OpenPage) -> None:
    page = open_page("alerts")
    incidents, deliveries, rules = (frame.value for frame in page.dataframe)
    assert list(incidents["state"]) == ["firing", "resolved"]
    assert set(deliveries["attempt"]) == {1, 2, 3}
    assert len(rules) == 2
    assert metrics(page)["Firing"] == "1"


def test_the_books_balance_and_losses_have_reasons(day: Seed, open_page: OpenPage) -> None:
    page = open_page("ledger")
    sources, losses, entries = (frame.value for frame in page.dataframe)
    assert set(sources["balance"]) == {"balanced"}
    spans = sources[sources["signal"] == "spans"]
    assert spans["live"].sum() == len(day.spans) == spans["stored"].sum()
    assert sources[sources["signal"] == "metrics"]["live"].isna().all()
    assert set(losses["reason"]) == {"in_future", "queue_full", "sent again"}
    assert {"received", "rejected"} <= set(entries["outcome"])
    assert metrics(page)["Live spans"] == f"{len(day.spans):,}"
    assert "balanced: every record is accounted for" in badges(page)
