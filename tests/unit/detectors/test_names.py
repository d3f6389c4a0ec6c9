"""People and places: looked for on request only, by lists and by what stands around."""

import pytest

from tachograph_detectors import detect, mask


def found(text: str) -> list[tuple[str, str]]:
    findings = detect(text, ["name"])
    return [(finding.type, text[finding.start : finding.stop]) for finding in findings]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ada Lovelace", "The first programmer was Ada Lovelace, it is said."),
        ("Kamila Červinková", "My name is Kamila Červinková and I have a question."),
        ("Mehrudin", "Yesterday Mr. Mehrudin called about the invoice."),
        ("Ludwig van Beethoven", "It was written by Ludwig van Beethoven in Vienna."),
        ("John F. Kennedy", "A speech of John F. Kennedy was played."),
        ("Auðbjörnsson", "Please forward this to Dr. Auðbjörnsson."),
        ("O'Brien", "Dear Mrs. O'Brien, thank you."),
    ],
)
def test_finds_people(name: str, text: str) -> None:
    assert ("person", name) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "The Weather Was Very Nice On Monday.",
        "They moved to 12 Kennedy Street.",
        "Ramsey-Johnson Ltd makes bolts.",
        "Photosynthesis turns carbon dioxide and water into sugar.",
        "ERROR WARNING FATAL",
        "今日は天気がいいですね。",
    ],
)
def test_finds_nobody_where_nobody_is_named(text: str) -> None:
    assert [kind for kind, _ in found(text) if kind == "person"] == []


def test_finds_places() -> None:
    assert found("The office in South Africa closed.") == [("location", "South Africa")]


def test_names_are_left_alone_unless_asked_for() -> None:
    text = "Ada Lovelace wrote to ada@example.org"
    assert mask(text) == "Ada Lovelace wrote to [email]"
    assert mask(text, ["name", "pii"]) == "[person] wrote to [email]"


@pytest.mark.parametrize("piece", ["Aa ", "A. ", "Aa-", "A", "Ann van ", "Mr. ", "Ž", "Aa, "])
def test_a_hostile_text_is_searched_in_linear_time(piece: str) -> None:
    detect((piece * 100_000)[:100_000], ["name"])
