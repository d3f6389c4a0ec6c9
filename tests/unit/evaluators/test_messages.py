"""Plain text out of recorded messages, whatever their shape."""

import json

import pytest

from tachograph_evaluators.messages import answer_text, conversation_text, question_text

DIALOGUE = json.dumps(
    [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "One."},
        {"role": "user", "content": [{"type": "text", "text": "Second?"}, {"type": "image_url"}]},
    ]
)


def test_the_question_is_the_last_of_the_user() -> None:
    assert question_text(DIALOGUE) == "Second?"
    assert conversation_text(DIALOGUE) == "Be brief.\nFirst?\nOne.\nSecond?"


def test_all_choices_are_the_answer() -> None:
    parts = [{"type": "text", "content": "A"}, {"type": "tool_call", "name": "f"}]
    completion = json.dumps([{"role": "assistant", "parts": parts}, {"content": "B"}])
    assert answer_text(completion) == "A\nB"


@pytest.mark.parametrize(
    "recorded",
    [
        "plain text",
        '[{"role": "user", "parts": [{"ty',
        '{"answer": 42}',
        "[1, 2]",
        "[" * 100_000,
        "",
    ],
)
def test_what_is_no_message_list_is_the_text_itself(recorded: str) -> None:
    assert answer_text(recorded) == recorded
    assert question_text(recorded) == recorded


def test_unavailable_stays_unavailable() -> None:
    assert answer_text(None) is None
    assert question_text(None) is None
    assert answer_text('[{"role": "assistant", "parts": []}]') == ""
