"""Messages of any origin in OpenTelemetry's shape."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph._internal.jsonable import to_jsonable
from tachograph._internal.messages import to_messages

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
CHAT = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool"])},
        optional={
            "content": st.text() | st.none() | JSON,
            "tool_calls": st.none() | JSON,
            "tool_call_id": st.text(),
            "parts": JSON,
            "name": st.text() | JSON,
        },
    ),
    max_size=6,
)


@given(CHAT | JSON)
def test_anything_becomes_messages_that_json_takes(value: Any) -> None:
    messages = to_messages(value)
    json.dumps(messages)
    for message in messages:
        assert isinstance(message["role"], str)
        assert isinstance(message["parts"], list)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text()), max_size=8))
def test_plain_chat_keeps_roles_texts_and_order(turns: list[tuple[str, str]]) -> None:
    messages = to_messages([{"role": role, "content": text} for role, text in turns])
    assert messages == [
        {"role": role, "parts": [{"type": "text", "content": text}]} for role, text in turns
    ]


@given(CHAT)
def test_converting_twice_changes_nothing(value: Any) -> None:
    once = to_messages(value)
    assert to_messages(once) == once


def test_a_plain_text_is_a_message_of_the_given_role() -> None:
    part = {"type": "text", "content": "hi"}
    assert to_messages("hi") == [{"role": "user", "parts": [part]}]
    assert to_messages("hi", role="assistant") == [{"role": "assistant", "parts": [part]}]


def test_tool_calls_and_their_answers() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    asked, answered = to_messages(
        [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "22 °C"},
        ]
    )
    assert asked["parts"] == [
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": '{"a":1}'}
    ]
    assert answered["parts"] == [{"type": "tool_call_response", "id": "c1", "response": "22 °C"}]


def test_pictures_are_named_and_their_bytes_left_out() -> None:
    (message,) = to_messages(
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ],
            }
        ]
    )
    assert message["parts"] == [
        {"type": "text", "content": "what is this?"},
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        {
            "type": "blob",
            "modality": "image",
            "mime_type": "image/png",
            "omitted_characters": len("data:image/png;base64,AAAA"),
        },
    ]


class Weird:
    def __repr__(self) -> str:
        raise AssertionError("repr of foreign objects must not run")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Weird(), f"<{__name__}.Weird>"),
        (b"abc", "<3 bytes>"),
        (float("nan"), "nan"),
        ({1: {2}}, {"1": [2]}),
    ],
)
def test_foreign_values_become_plain_and_safe(value: object, plain: object) -> None:
    assert to_jsonable(value) == plain


def test_depth_items_and_cycles_are_bounded() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert len(json.dumps(to_jsonable(cycle))) < 500
    assert to_jsonable(list(range(5000)))[-1] == "… 4000 more"  # type: ignore[index]
    wide: Any = [[[[0] * 50] * 50] * 50] * 50
    assert len(json.dumps(to_jsonable(wide))) < 2_000_000
