"""Search, sessions, who has the most and neighbours over REST."""

from typing import Any

import pytest


@pytest.fixture
def spans(api: Any, harness: Any) -> list[Any]:
    """Three chat spans, stored."""
    sent = [harness.chat_span() for _ in range(3)]
    api.export(*sent)
    api.settle()
    return sent


def test_top_models_and_their_requests(api: Any, spans: list[Any]) -> None:
    answer = api.client.get("/api/v1/top", params={"by": "model", "order": "most_tokens"}).json()
    assert [(s["segment"], s["requests"]) for s in answer["segments"]] == [("gpt-4o", 3)]
    assert api.client.get("/api/v1/top").status_code == 422


def test_search_answers_traces_and_says_what_cannot_be_asked(api: Any, spans: list[Any]) -> None:
    found = api.client.get("/api/v1/search", params={"q": "user"}).json()  # a role is text too
    assert {line["trace_id"] for line in found["traces"]} == {s.trace_id.hex() for s in spans}
    assert not api.client.get("/api/v1/search", params={"q": "nosuchword"}).json()["traces"]
    refused = api.client.get("/api/v1/search", params={"q": "*ab*"})
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "bad_search"


def test_sessions_are_listed_and_a_foreign_cursor_is_refused(api: Any, spans: list[Any]) -> None:
    assert api.client.get("/api/v1/sessions").json() == {"sessions": [], "next_cursor": None}
    refused = api.client.get("/api/v1/sessions", params={"cursor": "nonsense!"})
    assert refused.json()["error"]["code"] == "bad_cursor"


def test_neighbours_of_a_span(api: Any, spans: list[Any]) -> None:
    one = spans[0]
    path = f"/api/v1/traces/{one.trace_id.hex()}/spans/{one.span_id.hex()}/neighbours"
    answer = api.client.get(path).json()
    assert answer["total"] == len(answer["neighbours"]) == 2
    assert answer["devices"] == []
    missing = api.client.get(f"/api/v1/traces/{'0' * 32}/spans/{'0' * 16}/neighbours")
    assert missing.status_code == 404


def test_why_a_span_was_slow(api: Any, spans: list[Any]) -> None:
    one = spans[0]
    path = f"/api/v1/traces/{one.trace_id.hex()}/spans/{one.span_id.hex()}/slowness"
    answer = api.client.get(path).json()
    assert answer["cause"] == answer["parts"][0]["cause"]
    assert sum(part["ratio"] for part in answer["parts"]) == pytest.approx(1.0)
    missing = api.client.get(f"/api/v1/traces/{'0' * 32}/spans/{'0' * 16}/slowness")
    assert missing.status_code == 404
