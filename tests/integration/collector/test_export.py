"""Spans sent over HTTP are in the store soon after the answer, once each."""

import gzip
import json
import secrets
import threading
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tachograph_store.client import Store
from tachograph_store.histogram import PERCENTILE_ERROR

COUNT = "SELECT count() AS n FROM spans WHERE project = {project:String}"


def _count(store: Store, project: str) -> int:
    return int(store.query(COUNT, {"project": project})[0]["n"])


def test_an_acknowledged_span_is_in_the_store_and_shown(
    api: Any, harness: Any, reader_store: Store, project: str
) -> None:
    span = harness.chat_span()
    assert not api.export(span).HasField("partial_success")
    assert _count(reader_store, project) == 1
    listed = api.client.get("/api/v1/traces").json()
    assert [line["trace_id"] for line in listed["traces"]] == [span.trace_id.hex()]
    shown = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()
    row = shown["spans"][0]
    assert row["project"] == project
    assert row["start_time"] == span.start_time_unix_nano
    assert (row["request_model"], row["input_tokens"], row["is_counted"]) == ("gpt-4o", 1000, True)
    assert row["prompt"] == '[{"role":"user","parts":[]}]'
    assert row["list_cost"] == "0.003500000"
    assert row["service_name"] == "shop"


def test_the_same_export_counts_once_however_often_it_comes(
    api: Any, harness: Any, reader_store: Store, project: str
) -> None:
    body = harness.trace_body(*(harness.chat_span() for _ in range(5)))
    for _ in range(3):
        assert api.post_traces(body).status_code == 200
    sent = [threading.Thread(target=api.post_traces, args=(body,)) for _ in range(4)]
    for thread in sent:
        thread.start()
    for thread in sent:
        thread.join()
    api.settle()
    assert _count(reader_store, project) == 5
    total = api.client.get("/api/v1/summary").json()["segments"][0]
    assert (total["requests"], total["input_tokens"]) == (5, 5000)


def test_a_correction_replaces_the_span(
    api: Any, harness: Any, reader_store: Store, project: str
) -> None:
    span = harness.chat_span()
    api.export(span)
    span.name = "corrected"
    api.export(span)
    assert _count(reader_store, project) == 1
    shown = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()
    assert [row["name"] for row in shown["spans"]] == ["corrected"]


def test_json_and_gzip_give_the_same_rows(api: Any, harness: Any) -> None:
    as_protobuf, as_json = harness.chat_span(), harness.chat_span()
    body = gzip.compress(harness.trace_body(as_protobuf))
    assert api.post_traces(body, content_encoding="gzip").status_code == 200
    document = json_format.MessageToDict(harness.trace_request(as_json))
    json_span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    json_span["traceId"] = as_json.trace_id.hex()
    json_span["spanId"] = as_json.span_id.hex().upper()
    answer = api.client.post(
        "/v1/traces",
        content=json.dumps(document),
        headers={"content-type": "application/json; charset=utf-8"},
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {}
    rows = []
    for span in (as_protobuf, as_json):
        shown = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()["spans"]
        rows.append({key: shown[0][key] for key in ("prompt", "input_tokens", "tenant", "name")})
    assert rows[0] == rows[1]


def test_many_callers_at_once_lose_nothing(
    api: Any, harness: Any, reader_store: Store, project: str
) -> None:
    def send(service: str) -> None:
        for _ in range(10):
            api.export(harness.chat_span(), harness.make_span(), service=service)

    callers = [threading.Thread(target=send, args=(f"service-{i}",)) for i in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert _count(reader_store, project) == 160
    counted = api.client.get("/api/v1/summary").json()["segments"][0]["requests"]
    assert counted == 80


def test_the_opentelemetry_exporter_is_served(
    collector_url: str, api: Any, make_key: Any, project: str
) -> None:
    exporter = OTLPSpanExporter(
        endpoint=f"{collector_url}/v1/traces",
        headers={"authorization": f"Bearer {make_key(project, 'ingest')}"},
        compression=Compression.Gzip,
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("shop").start_as_current_span("agent") as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    provider.shutdown()
    shown = api.client.get(f"/api/v1/traces/{trace_id}")
    assert shown.status_code == 200
    assert shown.json()["spans"][0]["name"] == "agent"


def test_pages_follow_each_other_and_cover_everything(api: Any, harness: Any) -> None:
    spans = [harness.chat_span() for _ in range(7)]
    api.export(*spans)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        query = {"limit": "3", **({} if cursor is None else {"cursor": cursor})}
        page = api.client.get("/api/v1/traces", params=query).json()
        seen += [line["trace_id"] for line in page["traces"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(span.trace_id.hex() for span in spans)


def test_summary_by_segment(api: Any, harness: Any) -> None:
    api.export(harness.chat_span(), harness.chat_span(), harness.make_span())
    by_tenant = api.client.get("/api/v1/summary", params={"by": "tenant"}).json()["segments"]
    assert [(s["segment"], s["requests"], s["list_cost"]) for s in by_tenant] == [
        ("acme", 2, "0.007000000")
    ]
    assert by_tenant[0]["duration"]["p50_s"] == pytest.approx(1.0, rel=PERCENTILE_ERROR)
    assert by_tenant[0]["first_chunk"] == {"p50_s": None, "p95_s": None, "p99_s": None}
    none = api.client.get("/api/v1/summary", params={"model": secrets.token_hex(4)}).json()
    assert none["segments"] == []
