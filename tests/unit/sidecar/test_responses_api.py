"""The Responses API as OpenAI documents it and as llama.cpp's server speaks it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.observe.answer import Answer
from tachograph_sidecar.observe.bounded import BoundedCopy, Budget
from tachograph_sidecar.observe.responses_api import ResponsesAnswer, responses_input
from tachograph_sidecar.observe.routes import route_of

_USAGE = {
    "input_tokens": 32,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 12},
}
_CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"city":"Ulm"}',
}
_MESSAGE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "It rains."}],
}


def _answer(*events: dict[str, object]) -> ResponsesAnswer:
    answer = ResponsesAnswer(keeps_text=True, text_limit=1000)
    for event in events:
        answer.add_chunk(json.dumps(event).encode())
    return answer


def _response(**more: object) -> dict[str, object]:
    return {
        "object": "response",
        "id": "resp_1",
        "model": "m",
        "status": "completed",
        "usage": _USAGE,
        "output": [],
        **more,
    }


def test_the_route_is_a_chat() -> None:
    for path in (b"/v1/responses", b"/engine/v1/responses/"):
        route = route_of(b"POST", path)
        assert route is not None
        assert (route.operation, route.dialect) == ("chat", "openai_responses")
    assert route_of(b"GET", b"/v1/responses") is None


def test_a_whole_response_counts_cached_and_reasoning_as_parts() -> None:
    answer = ResponsesAnswer(keeps_text=True, text_limit=1000)
    body = BoundedCopy(100_000, Budget(1_000_000))
    body.add(json.dumps(_response(output=[_MESSAGE])).encode())
    answer.add_body(body)
    assert (answer.model, answer.response_id) == ("m", "resp_1")
    assert (answer.input_tokens, answer.cache_read_tokens) == (32, 8)
    assert (answer.output_tokens, answer.usage.reasoning_tokens) == (20, 12)
    assert answer.finish_reasons == ["stop"]
    assert answer.messages() == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It rains."}],
            "finish_reason": "stop",
        }
    ]


def test_streamed_text_is_kept_once() -> None:
    """The last event repeats the whole output."""
    answer = _answer(
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
        {"type": "response.reasoning_summary_text.delta", "delta": "Clouds."},
        {"type": "response.output_text.delta", "delta": "It "},
        {"type": "response.output_text.delta", "delta": "rains."},
        {"type": "response.output_text.done", "text": "It rains."},
        {"type": "response.completed", "response": _response(output=[_MESSAGE])},
    )
    [message] = answer.messages()
    assert message["parts"] == [
        {"type": "reasoning", "content": "Clouds."},
        {"type": "text", "content": "It rains."},
    ]
    assert answer.output_tokens == 20


def test_only_output_starts_the_clock() -> None:
    answer = _answer()
    said = [
        answer.add(event)
        for event in (
            {"type": "response.created", "response": {}},
            {"type": "response.output_item.added", "item": {"type": "message"}},
            {"type": "response.output_text.delta", "delta": "a"},
            {"type": "response.output_text.done", "text": "a"},
            {"type": "response.completed", "response": _response()},
        )
    ]
    assert said == [False, False, True, False, False]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_tool_calls(is_streamed: bool) -> None:
    if is_streamed:
        answer = _answer(
            {"type": "response.output_item.added", "item": {**_CALL, "arguments": ""}},
            {
                "type": "response.function_call_arguments.delta",
                "item_id": "fc_1",
                "delta": '{"city"',
            },
            {
                "type": "response.function_call_arguments.delta",
                "item_id": "fc_1",
                "delta": ':"Ulm"}',
            },
            {"type": "response.completed", "response": _response(output=[_CALL])},
        )
    else:
        answer = _answer(_response(output=[_CALL]))
    assert answer.finish_reasons == ["tool_calls"]
    [message] = answer.messages()
    assert message["parts"] == [
        {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"city":"Ulm"}'}
    ]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, "error"),
    ],
)
def test_why_it_ended(response: dict[str, object], reason: str) -> None:
    answer = _answer({"type": f"response.{response['status']}", "response": _response(**response)})
    assert answer.finish_reasons == [reason]
    assert answer.error_type == ("server_error" if reason == "error" else None)


def test_llama_cpp_timings_beside_the_response_are_read() -> None:
    answer = _answer(
        {
            "type": "response.completed",
            "response": _response(),
            "timings": {"cache_n": 3, "prompt_n": 15, "prompt_ms": 200.0, "predicted_ms": 150.0},
        }
    )
    assert answer.engine.prefill_s == pytest.approx(0.2)


def test_input_items_become_messages() -> None:
    messages = responses_input(
        {
            "instructions": "Be short.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
                _CALL,
                {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
                {"type": "item_reference", "id": "x"},
                7,
            ],
        }
    )
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    assert messages[1]["parts"] == [{"type": "text", "content": "Weather?"}]
    assert messages[2]["parts"][0]["name"] == "weather"
    assert messages[3]["parts"][0]["response"] == "rain"
    assert [m["role"] for m in responses_input({"input": "Hi"})] == ["user"]


_names = st.sampled_from(
    ["type", "response", "item", "delta", "output", "content", "usage", "status", "error", "id"]
)
_kinds = st.sampled_from(
    [
        "response.completed",
        "response.failed",
        "response.output_item.added",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "error",
        "function_call",
        "message",
        "reasoning",
    ]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _kinds,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(_json, max_size=5))
def test_no_shape_of_json_breaks_it(chunks: list[object]) -> None:
    answer: Answer = ResponsesAnswer(keeps_text=True, text_limit=50)
    for chunk in chunks:
        answer.add_chunk(json.dumps(chunk).encode())
    answer.messages()
    responses_input({"input": chunks})
