"""Span events that are messages become content; those that mark chunks become timings."""

import json
from collections.abc import Callable, Mapping

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tachograph_store.rows import SpanRow

TranslateOne = Callable[..., SpanRow]


@pytest.fixture
def event(make_span: Callable[..., Span], now: int) -> Callable[..., Span.Event]:
    def make(name: str, attributes: Mapping[str, object], at_s: float = 0.5) -> Span.Event:
        return Span.Event(
            name=name,
            time_unix_nano=now - 10**9 + int(at_s * 10**9),
            attributes=make_span(attributes).attributes,
        )

    return make


def test_message_events_become_prompt_and_completion(
    translate_one: TranslateOne, event: Callable[..., Span.Event]
) -> None:
    row = translate_one(
        events=[
            event("gen_ai.system.message", {"gen_ai.system": "openai", "content": "be brief"}),
            event("gen_ai.user.message", {"gen_ai.event.content": '{"content": "sky?"}'}),
            event("gen_ai.tool.message", {"id": "c", "content": "rain"}),
            event(
                "gen_ai.choice",
                {"index": 0, "finish_reason": "stop", "message": '{"content": "blue"}'},
            ),
        ]
    )
    assert json.loads(row.prompt or "") == [
        {"role": "system", "parts": [{"type": "text", "content": "be brief"}]},
        {"role": "user", "parts": [{"type": "text", "content": "sky?"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "rain"}]},
    ]
    assert json.loads(row.completion or "") == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "blue"}],
            "finish_reason": "stop",
        }
    ]
    # What people wrote is in its column only: it expires with it.
    assert list(row.event_attributes) == [{"gen_ai.system": "openai"}, {}, {}, {}]
    assert row.event_names[0] == "gen_ai.system.message"


@pytest.mark.parametrize(
    ("name", "given", "answered"),
    [
        ("gen_ai.client.inference.operation.details", "input.messages", "output.messages"),
        ("gen_ai.content.prompt", "prompt", ""),
        ("gen_ai.content.completion", "", "completion"),
    ],
)
def test_content_of_events_fills_the_columns_that_no_attribute_fills(
    translate_one: TranslateOne,
    event: Callable[..., Span.Event],
    name: str,
    given: str,
    answered: str,
) -> None:
    attributes = {f"gen_ai.{part}": part for part in (given, answered) if part}
    row = translate_one(events=[event(name, {**attributes, "other": 1})])
    assert (row.prompt or "", row.completion or "") == (given, answered)
    assert list(row.event_attributes) == [{"other": "1"}]


def test_an_attribute_wins_over_an_event(
    translate_one: TranslateOne, event: Callable[..., Span.Event]
) -> None:
    events = [event("gen_ai.user.message", {"content": "from the event"})]
    assert translate_one({"gen_ai.input.messages": "own"}, events=events).prompt == "own"


def test_the_first_token_event_of_openinference(
    translate_one: TranslateOne, event: Callable[..., Span.Event]
) -> None:
    row = translate_one(events=[event("First Token Stream Event", {}, 0.25)])
    assert (row.time_to_first_chunk_s, row.is_streaming) == (0.25, True)
    assert (row.chunk_count, row.gap_max_s) == (None, None)


def test_chunk_events_of_openllmetry(
    translate_one: TranslateOne, event: Callable[..., Span.Event]
) -> None:
    name = "gen_ai.content.completion.chunk"
    events = [event(name, {}, at) for at in (0.125, 0.25, 0.5, 0.625)]
    row = translate_one(events=events)
    assert (row.time_to_first_chunk_s, row.chunk_count) == (0.125, 4)
    assert row.time_per_output_chunk_s == pytest.approx(0.5 / 3)
    assert (row.gap_p50_s, row.gap_p95_s, row.gap_max_s) == (0.125, 0.25, 0.25)
    cut = translate_one(events=events, dropped_events_count=1)
    assert (cut.time_to_first_chunk_s, cut.chunk_count, cut.gap_max_s) == (0.125, None, None)
