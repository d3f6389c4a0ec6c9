"""Every bad input has a clear answer; none is a 500 and none takes its neighbours along."""

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PROTOBUF = "application/x-protobuf"


def _spans(api: Any, span: Any) -> list[dict[str, Any]]:
    answer = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}")
    assert answer.status_code == 200, answer.text
    spans: list[dict[str, Any]] = answer.json()["spans"]
    return spans


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xffmalformed", {"content-type": PROTOBUF}, 400),
        (b"{", {"content-type": "application/json"}, 400),
        (b"x", {"content-type": "text/plain"}, 415),
        (b"", {}, 415),
        (b"x", {"content-type": PROTOBUF, "content-encoding": "br"}, 415),
        (b"x", {"content-type": PROTOBUF, "content-encoding": "gzip"}, 400),
        (gzip.compress(bytes(70 << 20)), {"content-type": PROTOBUF, "content-encoding": "gzip"}, 413),
        (bytes(17 << 20), {"content-type": PROTOBUF, "content-encoding": "gzip"}, 413),
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_read(
    api: Any, signal: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = api.client.post(f"/v1/{signal}", content=body, headers=headers)
    assert answer.status_code == status
    if answer.headers["content-type"] == PROTOBUF:
        assert Status.FromString(answer.content).message
    else:
        error = answer.json()["error"]
        assert error["code"] and error["message"] and error["field"] and error["remedy"]


def test_a_body_of_no_announced_length_is_cut_off(api: Any) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield bytes(1 << 20)

    answer = api.client.post("/v1/traces", content=endless(), headers={"content-type": PROTOBUF})
    assert answer.status_code == 413


def test_keys_that_open_nothing(
    project: str, make_key: Any, api_for: Any, harness: Any, collector_url: str
) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    keys = ["tg_unknown", make_key(project, expires_at=past), make_key(project, revoked_at=past)]
    body = harness.trace_body(harness.chat_span())
    for key in keys:
        caller = api_for(key)
        assert caller.post_traces(body).status_code == 401
        answer = caller.client.get("/api/v1/traces")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        error = answer.json()["error"]
        assert error["field"] == "authorization" and error["remedy"]
        assert key not in answer.text
    for header in ("Basic abc", "Bearer", "Bearer " + "x" * 5000, "tg_abc"):
        answer = httpx.get(
            f"{collector_url}/api/v1/whoami", headers={"authorization": header}, timeout=60
        )
        assert answer.status_code == 401


def test_an_ingest_key_sends_and_scores_but_does_not_read(
    project: str, make_key: Any, api_for: Any, harness: Any
) -> None:
    sender = api_for(make_key(project, "ingest"))
    span = harness.chat_span()
    sender.export(span)
    score = {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "name": "x",
        "value": 1,
    }
    assert sender.client.post("/api/v1/scores", json=score).status_code == 201
    assert sender.client.get("/api/v1/whoami").json()["role"] == "ingest"
    for route in ("/api/v1/traces", "/api/v1/summary", "/api/v1/ledger"):
        answer = sender.client.get(route)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "role_too_low"


def test_a_view_key_reads_and_gives_verdicts_but_sends_nothing(
    project: str, make_key: Any, api_for: Any, harness: Any
) -> None:
    span = harness.chat_span()
    api_for(make_key(project, "ingest")).export(span)
    viewer = api_for(make_key(project, "view"))
    (line,) = viewer.client.get("/api/v1/traces").json()["traces"]
    assert line["trace_id"] == span.trace_id.hex()
    score = {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "name": "thumbs",
        "value": 1,
    }
    assert viewer.client.post("/api/v1/scores", json=score).status_code == 201
    forged = viewer.client.post("/api/v1/scores", json={**score, "source": "api"})
    sent = viewer.post_traces(harness.trace_body(harness.chat_span()))
    assert [forged.status_code, sent.status_code] == [403, 403]
    assert viewer.client.get("/api/v1/whoami").json()["role"] == "view"


@pytest.mark.lesson(11)
def test_two_thousand_attributes_keep_what_matters(api: Any, harness: Any) -> None:
    span = harness.make_span(
        {**{f"a{i}": i for i in range(2000)}, "gen_ai.request.model": "m", "user.id": "u"}
    )
    neighbour = harness.chat_span()
    assert not api.export(span, neighbour).HasField("partial_success")
    row = _spans(api, span)[0]
    assert (row["request_model"], row["user"]) == ("m", "u")
    assert "attributes" in row["truncated"]
    assert len(row["attributes"]) <= 300
    assert _spans(api, neighbour)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_prompt_of_ten_megabytes_is_kept_cut_and_marked(
    api: Any, harness: Any, encoding: str
) -> None:
    text = "".join(f"word{i} " for i in range(1_100_000))[: 10 << 20]
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    span = harness.make_span({"gen_ai.input.messages": messages})
    body = harness.trace_body(span, harness.chat_span())
    sent = gzip.compress(body, 1) if encoding == "gzip" else body
    assert api.post_traces(sent, content_encoding=encoding).status_code == 200
    row = _spans(api, span)[0]
    assert row["truncated"] == ["gen_ai.input.messages"]
    kept = json.loads(row["prompt"])[0]["parts"][0]["content"]
    assert text.startswith(kept)
    assert 1 << 20 < len(kept) <= 4 << 20


@pytest.mark.lesson(12)
def test_bad_spans_are_rejected_with_reasons_and_their_neighbours_stay(
    api: Any, harness: Any
) -> None:
    now = time.time_ns()
    good = [harness.chat_span() for _ in range(3)]
    of_1970 = harness.make_span(start_time_unix_nano=1, end_time_unix_nano=2)
    of_tomorrow = harness.make_span(
        start_time_unix_nano=now + 86_400 * 10**9, end_time_unix_nano=now + 86_401 * 10**9
    )
    backwards = harness.make_span(end_time_unix_nano=now - 10**12)
    nameless = harness.make_span(trace_id=b"short")
    answer = api.export(good[0], of_1970, good[1], of_tomorrow, backwards, nameless, good[2])
    assert answer.partial_success.rejected_spans == 4
    for reason in ("too_old", "in_future", "bad_time", "bad_trace_id"):
        assert f"1 rejected as {reason}" in answer.partial_success.error_message
    for span in good:
        assert len(_spans(api, span)) == 1
    assert api.client.get(f"/api/v1/traces/{of_1970.trace_id.hex()}").status_code == 404


def test_numbers_that_are_none_are_unavailable(api: Any, harness: Any) -> None:
    span = harness.make_span(
        {
            "gen_ai.response.time_to_first_chunk": float("nan"),
            "tachograph.usage.energy": float("inf"),
            "gen_ai.usage.input_tokens": -5,
            "gen_ai.usage.cost.amount": float("nan"),
            "tachograph.stream.chunk_count": 2**40,
        }
    )
    assert not api.export(span).HasField("partial_success")
    row = _spans(api, span)[0]
    for column in ("time_to_first_chunk_s", "energy_j", "input_tokens", "reported_cost"):
        assert row[column] is None
    assert row["chunk_count"] is None


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"value": float("nan")}, 422, "value"),
        ({"value": 1.5}, 422, "value"),
        ({"value": -0.1}, 422, "value"),
        ({"value": "high"}, 422, "value"),
        ({"value": None, "label": None}, 422, "value"),
        ({"name": ""}, 422, "name"),
        ({"trace_id": "zz"}, 422, "trace_id"),
        ({"span_id": "0" * 16}, 404, "span_id"),
        ({"comment": "x" * 30_000}, 422, "comment"),
        ({"project": "other"}, 422, "project"),
    ],
)
def test_bad_scores(
    api: Any, harness: Any, change: dict[str, Any], status: int, field: str
) -> None:
    span = harness.chat_span()
    api.export(span)
    score = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(), "name": "thumbs"}
    body = json.dumps({**score, "value": 1.0, **change})
    answer = api.client.post(
        "/api/v1/scores", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["field"] == field
    shown = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()
    assert shown["scores"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/v1/traces", 405),
        ("DELETE", "/api/v1/traces", 405),
        ("GET", "/api/v1/traces/xyz", 422),
        ("GET", f"/api/v1/traces/{'0' * 32}", 404),
        ("GET", "/api/v1/traces?cursor=none", 422),
        ("GET", "/api/v1/traces?limit=100000", 422),
        ("GET", "/api/v1/traces?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", 422),
        ("GET", "/api/v1/traces?since=9999-01-01T00:00:00Z", 422),
        ("GET", "/api/v1/summary?by=user", 422),
        ("POST", "/api/v1/scores", 422),
    ],
)
def test_every_error_has_the_same_shape(api: Any, method: str, path: str, status: int) -> None:
    answer = api.client.request(method, path)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "field", "remedy"}
    assert error["code"] and error["message"] and error["remedy"]
    assert answer.headers["x-request-id"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=2000),
    signal=st.sampled_from(["traces", "metrics", "logs"]),
    content_type=st.sampled_from([PROTOBUF, "application/json"]),
    encoding=st.sampled_from(["identity", "gzip"]),
)
def test_arbitrary_bytes_never_fail_the_collector(
    api: Any, body: bytes, signal: str, content_type: str, encoding: str
) -> None:
    headers = {"content-type": content_type, "content-encoding": encoding}
    answer = api.client.post(f"/v1/{signal}", content=body, headers=headers)
    assert answer.status_code in (200, 400)
