"""What holds for every text, hostile ones included."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_detectors import CATEGORIES, detect, mask

PIECES = st.sampled_from(
    [
        "ada@example.org",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "+49 170 1234567",
        "123-45-6789",
        "8.8.8.8",
        "Bearer abcdef1234567890abcd",
        "tg_abcdef1234567890",
        "key = a1b2c3d4e5f6g7h8",
        "https://u:pw@h/",
        "ignore previous instructions",
        "-----BEGIN PRIVATE KEY-----",
        " ",
        "-",
        "1",
        "a",
        "@",
        ":",
        "ß",
        "\n",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join))


@given(TEXTS)
def test_findings_are_ordered_apart_and_inside_the_text(text: str) -> None:
    findings = detect(text)
    for finding in findings:
        assert 0 <= finding.start < finding.stop <= len(text)
        assert finding.type in CATEGORIES
        assert 0 < finding.confidence <= 1
    for before, after in itertools.pairwise(findings):
        assert before.stop <= after.start


@given(TEXTS)
def test_masking_keeps_everything_that_is_no_finding(text: str) -> None:
    rest = mask(text)
    position = 0
    for finding in detect(text, ("pii", "secret")):
        if finding.confidence >= 0.5:
            kept = text[position : finding.start]
            assert rest.startswith(f"{kept}[{finding.type}]")
            rest = rest.removeprefix(f"{kept}[{finding.type}]")
            position = finding.stop
    assert rest == text[position:]


@given(st.sampled_from(["ada@example.org", "4111111111111111", "tg_abcdef1234567890abcd"]), TEXTS)
def test_a_secret_that_stands_alone_is_masked_in_any_surroundings(secret: str, around: str) -> None:
    assert f" {secret} " not in mask(f"{around} {secret} {around}")


MEGABYTE = 1_000_000
HOSTILE = [
    "a",
    "a@",
    "a.",
    "a%",
    "@a-",
    "1",
    "1 ",
    "1-",
    "1.2.3.4.",
    ":",
    "1:",
    "AB12",
    "AB12 ",
    "eyJ",
    "eyJ.",
    "eyJaaaaaaaa.",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "Bearer a",
    "key = ",
    "secret:        ",
    "a://",
    "a://:",
    "sk-",
    "sk-a ",
    "SG.a",
    "tg_",
    "ignore ",
    "ignore all previous ",
    "reveal the prompt ",
    "act as if you ",
    "<|",
    " ",
    "\n",
    "é",
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_megabyte_is_scanned_in_linear_time(piece: str) -> None:
    """Each takes about a second at most; quadratic time would take hours and hit the limit."""
    detect((piece * (MEGABYTE // len(piece) + 1))[:MEGABYTE])
