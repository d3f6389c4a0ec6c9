"""The prompts that the project ships: enough, varied, each with a passage that fits the model."""

from collections import Counter

from tachograph_cli.demo.outcome import Outcome
from tachograph_cli.demo.prompts import chat_messages, load_items


def test_there_are_at_least_sixty_different_items_of_varied_domains() -> None:
    items = load_items()
    assert len(items) >= 60
    assert len({item.id for item in items}) == len(items)
    assert len({item.context for item in items}) == len(items)
    domains = Counter(item.domain for item in items)
    assert len(domains) >= 8
    assert max(domains.values()) <= len(items) / 4


def test_every_passage_has_60_to_120_words_and_every_field_a_text() -> None:
    for item in load_items():
        assert 60 <= len(item.context.split()) <= 120, item.id
        assert item.question.endswith("?"), item.id
        assert item.answer, item.id


def test_the_request_holds_question_and_passage() -> None:
    item = load_items()[0]
    (message,) = chat_messages(item.question, item.context)
    assert item.question in message["content"]
    assert item.context in message["content"]


def test_the_last_line_says_ok_only_when_all_was_seen() -> None:
    outcome = Outcome(sent=2, recorded=2, scored=2, seconds=1.0)
    assert outcome.as_dict()["demo"] == "failed"
    outcome.collector_killed = outcome.alert_fired = outcome.alert_resolved = True
    assert outcome.as_dict() == {
        "demo": "ok",
        "sent": 2,
        "recorded": 2,
        "scored": 2,
        "collector_killed": True,
        "alert_fired": True,
        "alert_resolved": True,
        "seconds": 1.0,
    }
    outcome.recorded = 3
    assert outcome.as_dict()["demo"] == "failed"
    assert outcome.as_dict()["why"]
