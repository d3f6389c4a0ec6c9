"""What one project sent, no other project sees: every route of the OpenAPI page is walked."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tachograph_store.client import Store
from tachograph_store.rows import ForgetRequestRow, JobRow, ScoreRow
from tachograph_store.writer import Writer

NUMBERS_ONLY = re.compile(r'"norm_calls":\d|"spans":[1-9]')
"""In the answers that tell seconds and causes of a span, or how many rows there are, and nothing that a
sender wrote."""

OPEN_ROUTES = {"/livez", "/readyz", "/healthz", "/metrics", "/docs", "/openapi.json"}


def test_no_route_shows_another_projects_rows(
    api: Any,
    harness: Any,
    make_key: Any,
    api_for: Any,
    project: str,
    collector_url: str,
    collector_with: Callable[..., str],
    writer_store: Store,
) -> None:
    priced = collector_with(
        TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE="2.5", TACHOGRAPH_COLLECTOR_GRPC_PORT="off"
    )
    mark = f"secret{uuid.uuid4().hex}"
    facts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": mark,
        "tachograph.tenant": mark,
        "tachograph.variant": mark,
        "user.id": mark,
        "session.id": mark,
        "gen_ai.input.messages": mark,
    }
    span = harness.make_span(facts, name=mark)
    beside = harness.make_span(
        facts,
        name=mark,
        start_time_unix_nano=span.start_time_unix_nano,
        end_time_unix_nano=span.end_time_unix_nano,
    )
    api.export(span, beside, harness.make_span(start_time_unix_nano=1), service=mark)
    trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
    score = {"trace_id": trace_id, "span_id": span_id, "name": mark, "value": 0.5}
    assert api.client.post("/api/v1/scores", json=score).status_code == 201

    def seen_in_books() -> bool:
        return mark in str(api.client.get("/api/v1/ledger").text)

    _judge(writer_store, project, span, mark, is_labelled=True)
    forgotten = _forget_request(writer_store, project, mark)
    for _ in range(6):  # drawn with a probability below 1: one of several is
        answer = harness.make_span(span_id=uuid.uuid4().bytes[:8])
        _judge(writer_store, project, answer, mark, is_labelled=False)
    api.settle()
    harness.wait_for(seen_in_books, "the owner's ledger")
    admin = api_for(make_key(project, "admin"))
    strangers = [api_for(make_key(f"other-{uuid.uuid4().hex[:8]}", "admin")), api_for(None)]
    schema = api.client.get("/openapi.json").json()
    walked = 0
    for path, operations in [*schema["paths"].items(), *((p, {"get": {}}) for p in OPEN_ROUTES)]:
        for method, operation in operations.items():
            if path.startswith("/v1/"):
                continue  # they answer with counts of what was sent just now
            url = path.replace("{trace_id}", trace_id).replace("{span_id}", span_id)
            url = url.replace("{request_id}", forgotten)
            if path.endswith("/unit-costs"):
                url = priced + url  # without a price it refuses its owner too
            body = score if method == "post" else None
            owner_api = api
            if "/forgets" in path:
                body, owner_api = body and {"user": mark}, admin
                if path.endswith("/forgets") and method == "post":
                    continue  # it deletes; which rows it would, the count tells
            queries: list[dict[str, str]] = [{}]
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                values = {"by": ("model", "tenant", "variant"), "q": (mark, trace_id)}
                queries += [{name: value} for value in values.get(name, (mark,))]
            if path.endswith("/feedback/next"):  # wants both
                queries.append({"evaluator": f"{mark}@1", "name": "n", "budget": "1000"})
            shown_to_owner = False
            for query in queries:
                for stranger in strangers:
                    answer = stranger.client.request(method, url, params=query, json=body)
                    assert answer.status_code < 500
                    asked = mark in str(query) or method == "post"
                    if not (asked and answer.status_code == 422):  # may repeat what was asked
                        assert mark not in answer.text, f"{method} {url} {query}"
                    assert span_id not in answer.text or answer.status_code == 404
                    assert not NUMBERS_ONLY.search(answer.text)
                    walked += 1
                owner = owner_api.client.request(method, url, params=query, json=body)
                shown_to_owner |= mark in owner.text or bool(NUMBERS_ONLY.search(owner.text))
            if path.startswith("/api/") and not path.endswith("whoami"):
                assert shown_to_owner, f"{path}: the walk asks nothing that shows rows"
    assert walked > 30


def _judge(store: Store, project: str, span: Any, mark: str, *, is_labelled: bool) -> None:
    """What an evaluator leaves behind: a score, and an evaluation that was given up."""
    ids = {"project": project, "trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
    now, never = datetime.now(UTC), date(2099, 1, 1)
    score = ScoreRow(
        **ids,
        span_time=span.start_time_unix_nano,
        evaluator=mark,
        evaluator_version="1",
        name="n",
        source="evaluator",
        value=0.5,
        label=mark,
        created_at=now,
        expires_on=never,
    )
    human = replace(score, evaluator="human", name="thumbs", source="human", author="somebody")
    job = JobRow(
        **ids,
        kind="evaluation",
        evaluator=mark,
        state="parked",
        due_at=now,
        error=mark,
        created_at=now,
        expires_on=never,
    )
    writer = Writer(store)
    writer.write("scores", [score, human] if is_labelled else [score])
    writer.write("jobs", [job])


def _forget_request(store: Store, project: str, mark: str) -> str:
    """What remains of a request to forget a user; its id."""
    request = ForgetRequestRow(
        project=project,
        request_id=uuid.uuid4().hex,
        kind="user",
        salt="s",
        subject_hash=mark,
        state="done",
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        requested_by=mark,
        expires_on=date(2099, 1, 1),
    )
    Writer(store).write("forget_requests", [request])
    return request.request_id


def test_a_score_from_another_project_finds_no_span(
    api: Any, harness: Any, make_key: Any, api_for: Any
) -> None:
    span = harness.chat_span()
    api.export(span)
    other = api_for(make_key(f"other-{uuid.uuid4().hex[:8]}"))
    ids = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
    answer = other.client.post("/api/v1/scores", json={**ids, "name": "thumbs", "value": 0.0})
    assert answer.status_code == 404
    assert api.client.get(f"/api/v1/traces/{ids['trace_id']}").json()["scores"] == []


def test_an_attribute_names_no_project(api: Any, harness: Any, project: str) -> None:
    span = harness.make_span({"project": "other", "tachograph.project": "other"})
    api.export(span)
    shown = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()
    assert shown["spans"][0]["project"] == project


@pytest.mark.parametrize("shares_trace", [True, False])
def test_evaluation_events_become_scores_of_their_project(
    api: Any, harness: Any, project: str, shares_trace: bool
) -> None:
    span = harness.chat_span()
    if shares_trace:
        api.export(span)
    now = time.time_ns()
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add()
    records.scope.name = "judge"
    for value in (0.25, float("nan"), 7.0):
        attributes = [
            KeyValue(key="gen_ai.evaluation.name", value=AnyValue(string_value="relevance")),
            KeyValue(key="gen_ai.evaluation.score.value", value=AnyValue(double_value=value)),
        ]
        records.log_records.append(
            LogRecord(
                event_name="gen_ai.evaluation.result",
                time_unix_nano=now,
                trace_id=span.trace_id,
                span_id=span.span_id,
                attributes=attributes,
            )
        )
    records.log_records.append(LogRecord(time_unix_nano=now, event_name="chatter"))
    headers = {"content-type": "application/x-protobuf"}
    body = request.SerializeToString()
    for _ in range(2):
        answer = api.client.post("/v1/logs", content=body, headers=headers)
        assert answer.status_code == 200
        assert b"2 rejected as bad_value" in answer.content
        assert b"1 rejected as unsupported" in answer.content
        api.settle()
    if not shares_trace:
        api.export(span)
    scores = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()["scores"]
    assert [(s["name"], s["evaluator"], s["value"]) for s in scores] == [
        ("relevance", "judge", 0.25)
    ]
    expected = span.start_time_unix_nano if shares_trace else now
    assert scores[0]["span_time"] == expected
    assert scores[0]["model"] == ("gpt-4o" if shares_trace else None)
