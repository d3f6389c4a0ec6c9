"""Redaction: marks, keyed hashes, JSON, and texts that arrive in pieces."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tachograph_detectors.redact import Redactor, types_of
from tachograph_detectors.stream import StreamRedactor

SECRETS = {
    "email": "ada.lovelace+notes@mail.example.org",
    "phone": "+49 170 1234567",
    "iban": "DE89 3704 0044 0532 0130 00",
    "credit_card": "4111 1111 1111 1111",
    "us_ssn": "123-45-6789",
    "api_key": "tg_" + "Zx9_Qw1a" * 4,
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0" * 40 + ".c2lnbmF0dXJl",
    "private_key": "-----BEGIN PRIVATE KEY-----\n" + "MIIBOgIBAAJB\n" * 60
    + "-----END PRIVATE KEY-----",
}  # fmt: skip
REDACTOR = Redactor.of(["pii", "secret"])


def stream(text: str, cuts: list[int], redactor: Redactor = REDACTOR, **options: bool) -> str:
    """`text` through a stream redactor, cut at the given places."""
    whole = StreamRedactor(redactor, **options)
    places = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    return "".join([whole.feed(piece) for piece in pieces] + [whole.finish()])


def test_marks_by_type_or_category() -> None:
    text = "ada@example.org paid with 4111 1111 1111 1111"
    assert Redactor.of(["email"]).text(text) == "<EMAIL> paid with 4111 1111 1111 1111"
    assert Redactor.of(["pii"]).text(text) == "<EMAIL> paid with <CREDIT_CARD>"
    with pytest.raises(ValueError, match="'mail'.*email"):
        types_of(["mail"])


def test_keyed_marks_tell_equals_apart_and_need_the_key() -> None:
    keyed = Redactor.of(["email"], b"k" * 16)
    first, again, other = keyed.text("a@x.org a@x.org b@x.org").split()
    assert first == again != other
    assert first != Redactor.of(["email"], b"l" * 16).text("a@x.org")
    assert keyed.text(first) == first
    with pytest.raises(ValueError, match="at least 16"):
        Redactor.of(["email"], b"short")


def test_json_is_redacted_inside_its_strings() -> None:
    text = json.dumps([{"role": "user", "content": "mail\nada@example.org\nto \u00fc@ada.org"}])
    redacted = Redactor.of(["email"]).json_text(text.replace("@", "\\u0040"))
    assert json.loads(redacted)[0]["content"].startswith("mail\n<EMAIL>\nto ")
    assert Redactor.of(["email"]).json_text('{"a": 1}') == '{"a": 1}'
    assert Redactor.of(["email"]).json_text("[broken ada@x.org") == "[broken <EMAIL>"
    assert Redactor.of(["email"]).json_text("[" * 100_000) == "[" * 100_000


WORDS = st.sampled_from(
    ["the ", "order ", "ships\n", "to ", "1 ", "- ", "x@ ", "é ", "word, ", "key = ", "a" * 300]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(WORDS, st.sampled_from(sorted(SECRETS.values()))), max_size=30),
    st.lists(st.integers(0, 100_000), max_size=60),
)
def test_no_split_lets_a_secret_through(words: list[str], cuts: list[int]) -> None:
    text = " ".join(words)
    redacted = stream(text, cuts)
    for secret in SECRETS.values():
        assert secret not in redacted
    assert redacted == REDACTOR.text(text)


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_secret_that_comes_letter_by_letter(kind: str) -> None:
    text = f"Here it is: {SECRETS[kind]} and that was it. " + "More words follow. " * 30
    assert stream(text, list(range(len(text)))) == text.replace(SECRETS[kind], f"<{kind.upper()}>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "-----BEGIN PRIVATE KEY-----\n" + "MIIBOgIBAAJB\n" * 5000
            + "-----END PRIVATE KEY-----\nbye",
            "<PRIVATE_KEY>\nbye",
        ),
        ("token eyJhbGciOiJIUzI1NiJ9." + "A1b2" * 3000 + ".c2lnbmF0 bye", "token <JWT> bye"),
    ],
)  # fmt: skip
def test_what_outgrows_the_window_goes_as_one_mark(text: str, expected: str) -> None:
    assert stream(text, list(range(0, len(text), 7))) == expected


def test_memory_is_bounded_and_nothing_else_is_lost() -> None:
    redactor = StreamRedactor(REDACTOR)
    passed = ""
    for _ in range(200):
        passed += redactor.feed("x" * 1000)
        assert len(redactor._held) <= 40_000
    assert passed + redactor.finish() == "x" * 200_000


def test_escapes_stay_whole() -> None:
    arguments = json.dumps({"to": "\nada@example.org", "path": "c:\\bob@example.org"})
    redacted = stream(arguments, list(range(len(arguments))), escapes=True)
    assert "example.org" not in redacted
    assert json.loads(redacted)["to"] == "\n<EMAIL>"
