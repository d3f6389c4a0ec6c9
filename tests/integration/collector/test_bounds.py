"""Values that nest deep or count many: kept whole within the protocol's bounds, else refused."""

import json
import time
from typing import Any

import httpx
import pytest
from backports import zstd
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

JSON = "application/json"


def _varint(value: int) -> bytes:
    digits = []
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def _nested(levels: int, kind: int) -> bytes:
    """The bytes of an AnyValue of that many arrays (5) or key-value lists (6) in each other."""
    value = AnyValue(string_value="innermost").SerializeToString()
    for _ in range(levels):
        if kind == 6:
            value = b"\x0a\x01k\x12" + _varint(len(value)) + value  # KeyValue
        inner = b"\x0a" + _varint(len(value)) + value  # the list's one item
        value = bytes([kind << 3 | 2]) + _varint(len(inner)) + inner
    return value


def _body_with(harness: Any, span: Any, value: bytes) -> bytes:
    """An export of the span with one more attribute, whatever its depth."""
    attribute = b"\x0a\x04deep\x12" + _varint(len(value)) + value
    spans: bytes = span.SerializeToString() + b"\x4a" + _varint(len(attribute)) + attribute
    scope_spans = b"\x12" + _varint(len(spans)) + spans
    resource_spans = b"\x12" + _varint(len(scope_spans)) + scope_spans
    return b"\x0a" + _varint(len(resource_spans)) + resource_spans


@pytest.mark.parametrize(("kind", "levels"), [(5, 40), (6, 28)])
def test_what_nests_within_the_bound_is_kept(
    api: Any, harness: Any, kind: int, levels: int
) -> None:
    span = harness.chat_span()
    assert api.post_traces(_body_with(harness, span, _nested(levels, kind))).status_code == 200
    api.settle()
    row = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()["spans"][0]
    value = json.loads(row["attributes"]["deep"])
    for _ in range(levels):
        value = value[0] if kind == 5 else value["k"]
    assert value == "innermost"


@pytest.mark.parametrize("kind", [5, 6])
@pytest.mark.parametrize("levels", [60, 5000])
def test_what_nests_deeper_is_refused_with_a_reason(
    api: Any, harness: Any, kind: int, levels: int
) -> None:
    body = _body_with(harness, harness.chat_span(), _nested(levels, kind))
    answer = api.post_traces(body)
    assert answer.status_code == 400
    assert "nests deeper than 100" in Status.FromString(answer.content).message


@pytest.mark.parametrize(("levels", "status"), [(10, 200), (100, 400), (100_000, 400)])
def test_json_has_a_bound_of_its_own(api: Any, harness: Any, levels: int, status: int) -> None:
    now = time.time_ns()
    value = '{"arrayValue":{"values":[' * levels + '{"intValue":1}' + "]}}" * levels
    span = (
        f'{{"traceId":"{"1" * 32}","spanId":"{"1" * 16}","name":"x","startTimeUnixNano":{now - 9},'
        f'"endTimeUnixNano":{now},"attributes":[{{"key":"deep","value":{value}}}]}}'
    )
    body = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'
    answer = api.post_traces(body.encode(), content_type=JSON)
    assert answer.status_code == status, answer.text


def test_text_that_is_deep_json_is_text(api: Any, harness: Any) -> None:
    deep = "[" * 2000 + "]" * 2000
    span = harness.make_span(
        {
            "gen_ai.input.messages": deep,
            "gen_ai.retrieval.documents": deep,
            "llm.input_messages": deep,
            "gen_ai.tool.definitions": deep,
        }
    )
    assert not api.export(span).HasField("partial_success")
    row = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()["spans"][0]
    assert row["prompt"] == deep


def test_a_value_of_a_million_parts_is_cut(api: Any, harness: Any) -> None:
    span = harness.chat_span()
    items = AnyValue()
    items.array_value.values.extend([AnyValue(bool_value=True)] * 1_000_000)
    span.attributes.append(KeyValue(key="many", value=items))
    assert not api.export(span).HasField("partial_success")
    row = api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()["spans"][0]
    assert row["truncated"] == ["many"]
    assert len(row["attributes"]["many"]) == 65_536


def test_bodies_in_zstd_are_taken(api: Any, harness: Any) -> None:
    span = harness.chat_span()
    body = zstd.compress(harness.trace_body(span))
    assert api.post_traces(body, content_encoding="zstd").status_code == 200
    bomb = zstd.compress(bytes(70 << 20))
    answer: httpx.Response = api.post_traces(bomb, content_encoding="zstd")
    assert answer.status_code == 413
    api.settle()
    assert len(api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()["spans"]) == 1
