"""Messages out of recorded content, and the passages that scores point at."""

import json

import pytest

from tachograph_dashboard.conversation import Message, answer_text, marked, messages
from tachograph_evaluators.messages import answer_text as judged_text

RECORDED = [
    "",
    "plain text",
    "[not json",
    "[1, 2]",
    "{}",
    json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}]),
    json.dumps(
        [{"role": "assistant", "content": "older"}, {"role": "assistant", "content": "two"}]
    ),
    json.dumps(
        [
            {
                "role": "assistant",
                "parts": [
                    {"type": "tool_call", "name": "search", "arguments": {"q": "x"}},
                    {"type": "text", "content": "found"},
                    "bare",
                ],
            }
        ]
    ),
    json.dumps({"role": "assistant", "content": [{"type": "output_text", "text": "part"}]}),
    "[" * 100_000,
]


@pytest.mark.parametrize("recorded", RECORDED)
def test_offsets_count_the_characters_that_the_evaluators_saw(recorded: str) -> None:
    assert answer_text(recorded) == (judged_text(recorded) or "")


def test_turns_keep_their_roles_and_their_order() -> None:
    recorded = json.dumps(
        [
            {"role": "system", "parts": [{"type": "text", "content": "be brief"}]},
            {"role": "user", "content": "why?"},
            {"role": "tool", "parts": [{"type": "tool_call_response", "response": 42}]},
        ]
    )
    turns = messages(recorded, "user")
    assert [turn.role for turn in turns] == ["system", "user", "tool"]
    assert turns[1].text == "why?"
    assert '"response": 42' in turns[2].text


def test_an_unknown_role_never_reaches_the_page() -> None:
    recorded = json.dumps([{"role": "<b>", "content": "x"}])
    assert messages(recorded, "assistant") == [Message("assistant", "x")]


@pytest.mark.parametrize("recorded", ["[1, 2]", "not json", "[" * 100_000])
def test_what_is_no_message_is_shown_as_it_came(recorded: str) -> None:
    assert messages(recorded, "user") == [Message("user", recorded)]


def test_nothing_captured_is_no_turn() -> None:
    assert messages(None, "user") == []


def test_marked_cuts_the_text_at_the_offsets() -> None:
    pieces = marked("mail a@b.io now", [(5, 11, "email")])
    assert pieces == [("mail ", ""), ("a@b.io", "email"), (" now", "")]


def test_marked_survives_offsets_that_lie_outside_or_overlap() -> None:
    offsets = [(-5, 3, "a"), (2, 100, "b"), (50, 60, "c"), (4, 4, "d"), (5, 2, "e")]
    pieces = marked("0123456", offsets)
    assert "".join(piece for piece, _ in pieces) == "0123456"
    assert pieces == [("01", "a"), ("2", "a, b"), ("3456", "b")]
