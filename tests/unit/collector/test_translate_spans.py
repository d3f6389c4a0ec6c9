"""Attributes of a span find their columns; nothing is lost, nothing is taken for another."""

import json
import math
from collections.abc import Callable
from decimal import Decimal

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tachograph.semconv.values import RejectReason
from tachograph_collector.translate.outcome import Rejections
from tachograph_store.rows import SpanRow

TranslateOne = Callable[..., SpanRow]


def test_genai_attributes_fill_typed_columns_and_leave_the_map(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "llama_cpp",
            "gen_ai.request.model": "smollm2",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.cache_read.input_tokens": 8,
            "gen_ai.usage.output_tokens": 3.0,
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.request.temperature": 0.5,
            "tachograph.usage.energy": 7,
            "tachograph.tenant": "acme",
            "user.id": 17,
            "gen_ai.usage.cost.amount": 0.00125,
        },
        kind=Span.SPAN_KIND_CLIENT,
        status=Status(code=Status.STATUS_CODE_OK),
    )
    assert (row.operation, row.provider, row.request_model) == ("chat", "llama_cpp", "smollm2")
    assert list(row.finish_reasons) == ["stop"]
    assert (row.input_tokens, row.cache_read_tokens, row.output_tokens) == (12, 8, 3)
    assert row.time_to_first_chunk_s == 0.25
    assert row.energy_j == 7.0
    assert (row.tenant, row.tenant_source, row.user) == ("acme", "attribute", "17")
    assert row.reported_cost == Decimal("0.001250000")
    assert (row.kind, row.status_code, row.observer) == ("CLIENT", "OK", "client")
    assert row.is_counted
    assert row.attributes == {"gen_ai.request.temperature": "0.5"}
    assert row.service_name == "shop"
    assert row.duration_ns == 1_000_000_000
    assert row.reasoning_tokens is None  # unknown is not 0


def test_a_new_name_wins_over_an_old_one_whatever_their_order(translate_one: TranslateOne) -> None:
    old = ("gen_ai.usage.prompt_tokens", 5)
    new = ("gen_ai.usage.input_tokens", 9)
    for pairs in ((old, new), (new, old)):
        row = translate_one(dict(pairs))
        assert row.input_tokens == 9
        assert row.attributes == {"gen_ai.usage.prompt_tokens": "5"}


def test_old_names_alone_fill_the_columns(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "gen_ai.system": "openai",
            "gen_ai.usage.prompt_tokens": 5,
            "gen_ai.usage.completion_tokens": 6,
            "gen_ai.usage.cache_creation_input_tokens": 2,
        }
    )
    assert (row.provider, row.input_tokens, row.output_tokens) == ("openai", 5, 6)
    assert row.cache_write_tokens == 2
    assert row.attributes == {}


@pytest.mark.parametrize("value", [-1, "many", 1.5, math.nan, math.inf, True, 10**15 + 1, 2**62])
def test_a_count_that_is_none_stays_visible_in_the_map(
    translate_one: TranslateOne, value: object
) -> None:
    row = translate_one({"gen_ai.usage.input_tokens": value})
    assert row.input_tokens is None
    assert "gen_ai.usage.input_tokens" in row.attributes


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, "soon"])
def test_seconds_that_are_not_finite_are_unavailable(
    translate_one: TranslateOne, value: object
) -> None:
    row = translate_one({"gen_ai.response.time_to_first_chunk": value})
    assert row.time_to_first_chunk_s is None


def test_values_other_than_text_are_json_in_the_map(translate_one: TranslateOne) -> None:
    row = translate_one({"a": [1, "x", None], "b": {"k": True}, "c": b"\x00\x01", "d": 1.5})
    assert json.loads(row.attributes["a"]) == [1, "x", None]
    assert json.loads(row.attributes["b"]) == {"k": True}
    assert row.attributes["c"] == "AAE="
    assert row.attributes["d"] == "1.5"


def test_an_unknown_observer_is_a_client(translate_one: TranslateOne) -> None:
    row = translate_one({"tachograph.observer": "spy", "gen_ai.operation.name": "chat"})
    assert row.observer == "client"
    assert row.attributes["tachograph.observer"] == "spy"


@pytest.mark.parametrize(
    ("attributes", "counted"),
    [
        ({"gen_ai.operation.name": "chat"}, True),
        ({"gen_ai.operation.name": "embeddings", "tachograph.observer": "proxy"}, True),
        ({"gen_ai.operation.name": "chat", "tachograph.counted": False}, False),
        ({"gen_ai.operation.name": "chat", "tachograph.observer": "engine"}, False),
        ({"gen_ai.operation.name": "invoke_agent"}, False),
        ({}, False),
    ],
)
def test_only_leaf_model_calls_count(
    translate_one: TranslateOne, attributes: dict[str, object], counted: bool
) -> None:
    assert translate_one(attributes).is_counted is counted


def test_events_and_links_are_kept_within_their_bounds(
    translate_one: TranslateOne, now: int
) -> None:
    events = [Span.Event(name=f"e{i}", time_unix_nano=now) for i in range(6)]
    link = Span.Link(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    row = translate_one(events=events, links=[link, Span.Link(trace_id=b"short")])
    assert list(row.event_names) == ["e0", "e1", "e2", "e3"]
    assert "events" in row.truncated
    assert list(row.link_span_ids) == ["02" * 8]


def test_an_event_time_that_no_column_holds_becomes_the_start_of_the_span(
    translate_one: TranslateOne,
) -> None:
    events = [Span.Event(name="late", time_unix_nano=2**64 - 1), Span.Event(name="zero")]
    row = translate_one(events=events)
    assert list(row.event_times) == [row.start_time, row.start_time]


def test_the_content_hash_tells_a_retry_from_a_correction(translate_one: TranslateOne) -> None:
    first = translate_one({"a": "1"})
    assert translate_one({"a": "1"}).content_hash == first.content_hash
    assert translate_one({"a": "2"}).content_hash != first.content_hash
    assert 0 <= first.content_hash < 2**64


def test_rows_expire_as_the_retention_says(translate_one: TranslateOne) -> None:
    row = translate_one()
    assert (row.expires_on - row.content_expires_on).days == 30 - 7


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b"\x01" * 8}, RejectReason.BAD_TRACE_ID),
        ({"trace_id": bytes(16)}, RejectReason.BAD_TRACE_ID),
        ({"span_id": bytes(8)}, RejectReason.BAD_SPAN_ID),
        ({"parent_span_id": b"\x01\x02"}, RejectReason.BAD_SPAN_ID),
        ({"start_time_unix_nano": 1}, RejectReason.TOO_OLD),
        ({"end_time_unix_nano": 1}, RejectReason.BAD_TIME),
        ({"end_time_unix_nano": 2**63}, RejectReason.IN_FUTURE),
    ],
)
def test_a_bad_span_is_rejected_with_its_reason_and_its_neighbours_stay(
    make_span: Callable[..., Span],
    translate: Callable[..., tuple[list[SpanRow], Rejections]],
    fields: dict[str, object],
    reason: str,
) -> None:
    rows, rejections = translate(
        make_span(span_id=b"\x01" * 8), make_span(**fields), make_span(span_id=b"\x02" * 8)
    )
    assert [row.span_id for row in rows] == ["01" * 8, "02" * 8]
    assert rejections.counts == {("shop", reason): 1}
    assert reason in rejections.message()


def test_a_start_of_zero_is_no_time(
    make_span: Callable[..., Span], translate: Callable[..., tuple[list[SpanRow], Rejections]]
) -> None:
    span = make_span()
    span.start_time_unix_nano = 0
    rows, rejections = translate(span)
    assert not rows
    assert rejections.counts == {("shop", RejectReason.BAD_TIME): 1}
