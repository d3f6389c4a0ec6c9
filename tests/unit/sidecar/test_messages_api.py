"""The Messages API as Anthropic documents it, and as vLLM and llama.cpp's server speak it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.observe.bounded import BoundedCopy, Budget
from tachograph_sidecar.observe.messages_api import MessagesAnswer, messages_input
from tachograph_sidecar.observe.routes import route_of

_BEGUN = {
    "type": "message_start",
    "message": {
        "type": "message",
        "id": "msg_1",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    },
}
_TOOL = {"type": "tool_use", "id": "toolu_1", "name": "weather"}


def _answer(*events: object) -> MessagesAnswer:
    answer = MessagesAnswer(keeps_text=True, text_limit=1000)
    for event in events:
        answer.add_chunk(json.dumps(event).encode())
    return answer


def _delta(index: int, **delta: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _ended(reason: str, **usage: int) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def test_the_route_is_a_chat() -> None:
    route = route_of(b"POST", b"/anthropic/v1/messages")
    assert route is not None
    assert (route.operation, route.dialect, route.can_carry_usage) == ("chat", "anthropic", False)
    assert route_of(b"POST", b"/v1/messages/count_tokens") is None


def test_a_stream_of_a_thought_a_text_and_a_tool() -> None:
    answer = MessagesAnswer(keeps_text=True, text_limit=1000)
    events = [
        (_BEGUN, False),
        (_delta(0, type="thinking_delta", thinking="Hm"), True),
        (_delta(0, type="signature_delta", signature="xyz"), False),
        ({"type": "content_block_stop", "index": 0}, False),
        (
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            False,
        ),
        (_delta(1, type="text_delta", text="It "), True),
        (_delta(1, type="text_delta", text="rains."), True),
        (
            {"type": "content_block_start", "index": 2, "content_block": {**_TOOL, "input": {}}},
            True,
        ),
        (_delta(2, type="input_json_delta", partial_json=""), False),
        (_delta(2, type="input_json_delta", partial_json='{"city":'), True),
        (_delta(2, type="input_json_delta", partial_json='"Ulm"}'), True),
        ({"type": "ping"}, False),
        (_ended("tool_use", output_tokens=20), False),
        ({"type": "message_stop"}, False),
    ]  # fmt: skip
    for event, has_output in events:
        assert answer.add_chunk(json.dumps(event).encode()) is has_output, event
    assert (answer.model, answer.response_id) == ("m", "msg_1")
    assert (answer.input_tokens, answer.output_tokens) == (10, 20)
    assert answer.finish_reasons == ["tool_calls"]
    [message] = answer.messages()
    by_type = {part["type"]: part for part in message["parts"]}
    assert by_type["reasoning"]["content"] == "Hm"
    assert by_type["text"]["content"] == "It rains."
    assert by_type["tool_call"]["name"] == "weather"
    assert by_type["tool_call"]["arguments"] == '{"city":"Ulm"}'


def test_cached_tokens_are_part_of_the_input() -> None:
    usage = {
        "input_tokens": 1,
        "cache_read_input_tokens": 18,
        "cache_creation_input_tokens": 4,
        "output_tokens": 8,
    }
    whole = {"type": "message", "id": "msg_1", "model": "m", "usage": usage, "content": []}
    for answer in (_answer(whole), _answer(_BEGUN, _ended("end_turn", **usage))):
        assert answer.input_tokens == 23
        assert (answer.cache_read_tokens, answer.usage.cache_write_tokens) == (18, 4)
        assert answer.output_tokens == 8


def test_a_stream_that_is_cut_off_has_no_output_tokens() -> None:
    answer = _answer(_BEGUN, _delta(0, type="text_delta", text="It"))
    assert (answer.input_tokens, answer.output_tokens) == (10, None)
    assert answer.usage.cache_write_tokens is None


def test_a_whole_message() -> None:
    content = [{"type": "text", "text": "Soon."}, {**_TOOL, "input": {"city": "Ulm"}}]
    answer = _answer({"type": "message", "content": content, "stop_reason": "max_tokens"})
    assert answer.finish_reasons == ["length"]
    [message] = answer.messages()
    assert message["parts"][0]["content"] == "Soon."
    assert json.loads(message["parts"][1]["arguments"]) == {"city": "Ulm"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "error", "error": {"type": "overloaded_error"}}, "overloaded_error"),
        ({"error": {"code": 500, "type": "server_error"}}, "server_error"),
    ],
)
def test_errors(said: dict[str, object], expected: str) -> None:
    assert _answer(said).error_type == expected


def test_a_long_body_still_tells_its_usage() -> None:
    body = BoundedCopy(100, Budget(1000))
    body.add(json.dumps({"content": "x" * 500, "usage": {"input_tokens": 3}}).encode())
    answer = MessagesAnswer(keeps_text=True, text_limit=10)
    answer.add_body(body)
    assert answer.input_tokens == 3


def test_what_was_asked() -> None:
    request: dict[str, Any] = {
        "system": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}],
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{**_TOOL, "input": {"city": "Ulm"}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": "rain"}],
                    },
                    {"type": "text", "text": "And this?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                    },
                ],
            },
        ],
    }
    found = messages_input(request)
    assert [message["role"] for message in found] == ["system", "user", "assistant", "tool", "user"]
    assert found[0]["parts"][0]["content"] == "Be brief."
    assert found[2]["parts"][0]["arguments"] == {"city": "Ulm"}
    assert found[3]["parts"][0]["response"] == "rain"
    assert found[4]["parts"][1]["omitted_characters"] == 4
    assert "AAAA" not in json.dumps(found)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "message", "delta", "content", "content_block", "usage", "index", "error",
             "text", "thinking", "partial_json", "stop_reason", "input_tokens", "system",
             "messages", "source", "role", "input"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip
_KINDS = ["message", "message_start", "content_block_start", "content_block_delta", "message_delta"]


@given(st.dictionaries(st.text(max_size=3), _json, max_size=2), st.sampled_from(_KINDS), _json)
def test_any_json_is_survived(more: dict[str, object], kind: str, value: object) -> None:
    body = value if isinstance(value, dict) else {"message": value, "delta": value}
    answer = _answer({**more, **body, "type": kind})
    json.dumps(answer.messages())
    assert answer.input_tokens is None or answer.input_tokens >= 0
    messages_input(body)
