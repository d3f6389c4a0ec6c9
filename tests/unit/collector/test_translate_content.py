"""Content has columns of its own; what is too large is cut, marked and still readable."""

import json
from collections.abc import Callable

import pytest

from tachograph_collector.translate.fields import DROPPED_ATTRIBUTES
from tachograph_collector.translate.messages import cut_content
from tachograph_store.rows import SpanRow

TranslateOne = Callable[..., SpanRow]


def test_messages_become_prompt_and_completion(translate_one: TranslateOne) -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    row = translate_one(
        {"gen_ai.input.messages": json.dumps(messages), "gen_ai.output.messages": messages}
    )
    assert json.loads(row.prompt or "") == messages
    assert json.loads(row.completion or "") == messages
    assert row.attributes == {}


def test_indexed_messages_are_assembled_in_order(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "gen_ai.prompt.1.content": "and you?",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "be brief",
            "gen_ai.prompt.10.role": "user",
            "gen_ai.completion.0.content": "fine",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.prompt.x": "no index",
        }
    )
    prompt = json.loads(row.prompt or "")
    assert [message["role"] for message in prompt] == ["system", "user", "user"]
    assert prompt[0]["parts"] == [{"type": "text", "content": "be brief"}]
    completion = json.loads(row.completion or "")
    assert completion[0]["finish_reason"] == "stop"
    assert row.attributes == {"gen_ai.prompt.x": "no index"}


def test_messages_win_over_indexed_ones_which_stay_in_the_map(
    translate_one: TranslateOne,
) -> None:
    row = translate_one({"gen_ai.prompt.0.role": "user", "gen_ai.input.messages": "plain"})
    assert row.prompt == "plain"
    assert row.attributes == {"gen_ai.prompt.0.role": "user"}


def test_retrieved_documents_become_plain_context(translate_one: TranslateOne) -> None:
    documents = [{"id": "1", "content": "The sea is salt."}, "Rivers are not.", {"score": 1}]
    row = translate_one({"gen_ai.retrieval.documents": json.dumps(documents)})
    assert row.context == 'The sea is salt.\n\nRivers are not.\n\n{"score":1}'
    assert translate_one({"gen_ai.retrieval.documents": "no JSON"}).context == "no JSON"


def test_the_evaluation_context_wins_over_retrieved_documents(
    translate_one: TranslateOne,
) -> None:
    row = translate_one(
        {"gen_ai.retrieval.documents": "all", "tachograph.evaluation.context": "the used"}
    )
    assert row.context == "the used"
    assert row.attributes == {"gen_ai.retrieval.documents": "all"}


def test_long_content_is_cut_to_its_limit_and_stays_json(translate_one: TranslateOne) -> None:
    parts = [{"type": "text", "content": "wörd " * 4000}, {"type": "text", "content": "short"}]
    messages = [{"role": "user", "parts": parts}]
    row = translate_one({"gen_ai.input.messages": json.dumps(messages, ensure_ascii=False)})
    assert row.prompt is not None
    assert len(row.prompt.encode()) <= 4096
    kept = json.loads(row.prompt)[0]
    assert kept["role"] == "user"
    assert kept["parts"][1]["content"] == "short"
    assert parts[0]["content"].startswith(kept["parts"][0]["content"])
    assert len(kept["parts"][0]["content"]) > 500
    assert list(row.truncated) == ["gen_ai.input.messages"]


@pytest.mark.parametrize("text", ["x" * 10_000, "[" * 10_000, "[" + "1," * 5000 + "1]"])
def test_content_that_cannot_be_shortened_is_cut_at_its_end(text: str) -> None:
    kept, was_cut = cut_content(text, 4096)
    assert was_cut
    assert len(kept) <= 4096
    assert text.startswith(kept)


def test_two_thousand_attributes_leave_the_typed_columns_whole(
    translate_one: TranslateOne,
) -> None:
    many: dict[str, object] = {f"custom.{i}": i for i in range(2000)}
    row = translate_one({**many, "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 4})
    assert (row.request_model, row.input_tokens) == ("m", 4)
    assert len(row.attributes) == 16 + 1
    assert row.attributes[DROPPED_ATTRIBUTES] == str(2000 - 16)
    assert list(row.truncated) == ["attributes"]


def test_losses_of_the_sender_are_added(translate_one: TranslateOne) -> None:
    row = translate_one({"a": "b"}, dropped_attributes_count=3)
    assert row.attributes[DROPPED_ATTRIBUTES] == "3"


def test_long_values_and_names_are_cut_and_marked(translate_one: TranslateOne) -> None:
    row = translate_one({"long": "ü" * 200, "gen_ai.request.model": "m" * 5000}, name="n" * 5000)
    assert row.attributes["long"] == "ü" * 128
    assert len(row.request_model or "") == 1024
    assert len(row.name) == 1024
    assert set(row.truncated) == {"long", "gen_ai.request.model", "name"}


def test_what_the_sender_cut_stays_marked(translate_one: TranslateOne) -> None:
    row = translate_one({"tachograph.truncated": ["gen_ai.input.messages"]})
    assert list(row.truncated) == ["gen_ai.input.messages"]
    assert row.attributes == {}


def test_of_very_many_attributes_those_with_a_column_are_still_read(
    translate_one: TranslateOne,
) -> None:
    many = {f"a{number}": number for number in range(10_000)}
    row = translate_one({**many, "gen_ai.request.model": "m", "tachograph.counted": False})
    assert row.request_model == "m"
    assert row.is_counted is False
    assert row.truncated == ("attributes",)
    kept = len(row.attributes) - 1
    assert kept == 16
    assert row.attributes[DROPPED_ATTRIBUTES] == str(10_000 - kept)
