"""What rules read of the store, on the real engine."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tachograph_store.client import Store
from tachograph_store.queries.alerts import (
    Measure,
    alerts_due_deliveries,
    alerts_gone_channels,
    alerts_known_deliveries,
    alerts_latest_incidents,
    alerts_score_window,
    alerts_span_window,
)
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rows import DeliveryRow, IncidentRow, ScoreRow, SpanRow
from tachograph_store.writer import Writer

NOW = datetime.now(UTC).replace(microsecond=0)
EXPIRY = (NOW + timedelta(days=30)).date()


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def span(project: str, ended_s_ago: float, duration_s: float = 1.0, **more: Any) -> SpanRow:
    facts: dict[str, Any] = {
        "is_counted": True,
        "operation": "chat",
        "response_model": "llama",
    } | more
    return SpanRow(
        project=project,
        trace_id=uuid.uuid4().hex,
        span_id=uuid.uuid4().hex[:16],
        start_time=nanoseconds(ago(ended_s_ago + duration_s)),
        duration_ns=int(duration_s * 1e9),
        name="chat llama",
        expires_on=EXPIRY,
        content_expires_on=EXPIRY,
        **facts,
    )


def score(project: str, value: float | None, given_s_ago: float, **more: Any) -> ScoreRow:
    facts: dict[str, Any] = {
        "trace_id": uuid.uuid4().hex,
        "span_id": uuid.uuid4().hex[:16],
        "span_time": nanoseconds(ago(given_s_ago + 5)),
        "name": "grounding",
        "evaluator": "grounding",
        "model": "llama",
    } | more
    return ScoreRow(
        project=project,
        source="evaluator",
        value=value,
        created_at=ago(given_s_ago),
        expires_on=EXPIRY,
        **facts,
    )


def window(project: str, **segment: str) -> Selection:
    return Selection(project=project, since=ago(300), until=NOW, **segment)


@pytest.fixture
def writer(writer_store: Store) -> Writer:
    return Writer(writer_store)


def write_spans(writer: Writer, rows: Sequence[SpanRow]) -> None:
    assert writer.write_spans(rows).stored == len(rows)


def test_an_empty_window(reader_store: Store, project: str) -> None:
    measures = alerts_span_window(reader_store, window(project))
    for total in ("requests", "errors", "list_cost", "input_tokens", "energy_j"):
        assert measures[total] == Measure(value=0, samples=0)
    for mean in ("error_rate", "latency_p95_s", "time_to_first_chunk_p50_s"):
        assert measures[mean] == Measure(value=None, samples=0)
    assert alerts_score_window(reader_store, window(project), "grounding") == Measure(
        value=None, samples=0
    )


def test_span_metrics(reader_store: Store, writer: Writer, project: str) -> None:
    facts: dict[str, Any] = {
        "input_tokens": 10,
        "output_tokens": 5,
        "list_cost": Decimal("0.25"),
        "time_to_first_chunk_s": 0.2,
    }
    write_spans(
        writer,
        [
            span(project, 10, duration_s=2.0, **facts),
            span(project, 20, duration_s=2.0, **facts),
            span(project, 30, duration_s=2.0, status_code="ERROR"),
            span(project, 30, duration_s=9.0, is_counted=False, **facts),
        ],
    )
    measures = alerts_span_window(reader_store, window(project))
    assert measures["requests"] == Measure(value=3, samples=3)
    assert measures["errors"] == Measure(value=1, samples=3)
    assert measures["error_rate"].value == pytest.approx(1 / 3)
    assert measures["latency_p95_s"].value == pytest.approx(2.0)
    assert measures["time_to_first_chunk_p95_s"].value == pytest.approx(0.2)
    assert measures["time_to_first_chunk_p95_s"].samples == 2
    assert measures["input_tokens"] == Measure(value=20, samples=2)
    assert measures["list_cost"] == Measure(value=0.5, samples=2)
    assert measures["energy_j"] == Measure(value=None, samples=0), "unknown is not 0"


def test_a_request_belongs_to_the_window_it_ended_in(
    reader_store: Store, writer: Writer, project: str
) -> None:
    write_spans(
        writer,
        [
            span(project, 10, duration_s=600.0),
            span(project, 301, duration_s=1.0),
            span(project, -5, duration_s=10.0),
        ],
    )
    measures = alerts_span_window(reader_store, window(project))
    assert measures["requests"].value == 1
    assert measures["latency_p50_s"].value == pytest.approx(600.0)


def test_segments_and_projects_are_kept_apart(
    reader_store: Store, writer: Writer, project: str
) -> None:
    other = project + "-other"
    write_spans(
        writer,
        [
            span(project, 10, tenant="acme", variant="a"),
            span(
                project, 10, tenant="acme", variant="b", response_model=None, request_model="qwen"
            ),
            span(project, 10),
            span(other, 10, tenant="acme"),
        ],
    )
    writer.write("scores", [score(project, 0.4, 10, tenant="acme"), score(other, 1.0, 10)])

    def requests(**segment: str) -> float | None:
        return alerts_span_window(reader_store, window(project, **segment))["requests"].value

    assert requests() == 3
    assert requests(tenant="acme") == 2
    assert requests(tenant="acme", variant="b") == 1
    assert requests(model="qwen") == 1
    assert requests(model="llama", variant="b") == 0
    assert alerts_score_window(reader_store, window(project), "grounding").value == 0.4
    assert alerts_score_window(
        reader_store, window(project, tenant="bank"), "grounding"
    ) == Measure(value=None, samples=0)
    assert alerts_score_window(reader_store, window(other), "grounding").value == 1.0


@pytest.mark.parametrize(
    "name", ["o'neil", 'a"b', "back\\slash", "{x:String}", "'; DROP TABLE spans"]
)
def test_hostile_names_are_only_names(
    name: str, reader_store: Store, writer: Writer, project: str
) -> None:
    write_spans(writer, [span(project, 10, tenant=name), span(project, 10)])
    writer.write("scores", [score(project, 0.3, 10, name=name), score(project, 0.9, 10)])
    measures = alerts_span_window(reader_store, window(project, tenant=name))
    assert measures["requests"].value == 1
    assert alerts_score_window(reader_store, window(project), name).value == 0.3


def test_scores_by_the_latest_word_on_each_answer(
    reader_store: Store, writer: Writer, project: str
) -> None:
    answer = {"trace_id": "a" * 32, "span_id": "b" * 16, "span_time": nanoseconds(ago(60))}
    withdrawn = {"trace_id": "c" * 32, "span_id": "d" * 16, "span_time": nanoseconds(ago(60))}
    writer.write(
        "scores",
        [
            score(project, 0.1, 50, evaluator_version="1", **answer),
            score(project, 0.9, 40, evaluator_version="2", **answer),
            score(project, 0.2, 50, evaluator_version="1", **withdrawn),
            score(project, None, 40, evaluator_version="2", label="not_applicable", **withdrawn),
            score(project, 0.5, 30, sample_weight=3.0),
            score(project, 0.0, 30, name="relevance"),
            score(project, 0.0, 400),
        ],
    )
    measure = alerts_score_window(reader_store, window(project), "grounding")
    assert measure.samples == 2
    assert measure.value == pytest.approx((0.9 + 3 * 0.5) / 4)


def test_catching_up_on_old_answers_is_no_news(
    reader_store: Store, writer: Writer, project: str
) -> None:
    old = nanoseconds(NOW - timedelta(hours=3))
    writer.write("scores", [score(project, 0.0, 10, span_time=old), score(project, 1.0, 10)])
    assert alerts_score_window(reader_store, window(project), "grounding") == Measure(
        value=1.0, samples=1
    )


def incident(project: str, rule: str, pending_s_ago: float, **more: Any) -> IncidentRow:
    return IncidentRow(
        project=project,
        incident_id=f"inc_{rule}_{pending_s_ago}",
        rule=rule,
        pending_at=ago(pending_s_ago),
        expires_on=EXPIRY,
        **more,
    )


def test_latest_incident_of_each_rule_and_segment(
    reader_store: Store, writer: Writer, project: str
) -> None:
    newest = [
        incident(project, "one", 10, state="pending", value=0.5, threshold=0.7, samples=4),
        incident(project, "one", 50, state="firing", segment="model=x", fired_at=ago(40)),
        incident(project, "two", 90, state="resolved", resolved_at=ago(80)),
    ]
    writer.write("incidents", [incident(project, "one", 100, state="resolved"), *newest])
    writer.write("incidents", [incident(project + "-other", "one", 1, state="firing")])
    rows = alerts_latest_incidents(reader_store, project)
    assert [(row.rule, row.segment, row.state) for row in rows] == [
        (row.rule, row.segment, row.state) for row in newest
    ]
    assert rows[0].pending_at == ago(10)
    assert (rows[0].value, rows[0].threshold, rows[0].samples) == (0.5, 0.7, 4)
    assert rows[1].fired_at == ago(40)
    assert rows[0].fired_at is None


def message(project: str, name: str, created_s_ago: float, **more: Any) -> DeliveryRow:
    facts: dict[str, Any] = {
        "incident_id": "inc_1",
        "channel": "hook",
        "state": "waiting",
        "next_attempt_at": ago(created_s_ago),
    } | more
    return DeliveryRow(
        project=project,
        delivery_id=name,
        event="alert.firing",
        target="https://h:443/…",
        body="{}",
        created_at=ago(created_s_ago),
        expires_on=EXPIRY,
        **facts,
    )


def test_due_messages_in_their_order(reader_store: Store, writer: Writer, project: str) -> None:
    later = NOW + timedelta(hours=1)
    writer.write(
        "deliveries",
        [
            message(project, "first", 30),
            message(project, "second", 20),
            message(project, "other-hook", 10, channel="other"),
            message(project, "late", 60, incident_id="inc_2", next_attempt_at=later),
            message(project, "behind-late", 50, incident_id="inc_2"),
            message(project, "done", 90, state="delivered"),
            message(project + "-other", "foreign", 90),
        ],
    )
    due = alerts_due_deliveries(reader_store, project, NOW)
    assert [row.delivery_id for row in due] == ["first", "other-hook"]
    assert due[0] == message(project, "first", 30, version=due[0].version)
    known = alerts_known_deliveries(reader_store, project, ["first", "done", "foreign", "new"])
    assert set(known) == {"first", "done"}


def test_gone_channels(reader_store: Store, writer: Writer, project: str) -> None:
    writer.write(
        "deliveries",
        [
            message(project, "1", 30, state="failed", http_status=410, next_attempt_at=ago(5)),
            message(project, "2", 30, channel="b", state="failed", http_status=404),
            message(project + "-other", "3", 30, channel="c", state="failed", http_status=410),
        ],
    )
    assert alerts_gone_channels(reader_store, project) == {"hook": ago(5)}
