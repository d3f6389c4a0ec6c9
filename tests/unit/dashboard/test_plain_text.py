"""Captured text is shown as it is: nothing hidden, nothing reordered, nothing endless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_dashboard.plain_text import MAX_CHARS, bounded, one_line, visible


@pytest.mark.parametrize(
    ("hidden", "name"),
    [
        ("\u202e", "U+202E"),
        ("\u2066", "U+2066"),
        ("\u200b", "U+200B"),
        ("\ufeff", "U+FEFF"),
        ("\u00ad", "U+00AD"),
        ("\u3164", "U+3164"),
        ("\U000e0041", "U+E0041"),
        ("\U000e0101", "U+E0101"),
        ("\x00", "U+0000"),
        ("\x1b", "U+001B"),
        ("\u2028", "U+2028"),
        ("\ud800", "U+D800"),
        ("\r", "U+000D"),
    ],
)
def test_unseen_characters_are_written_out(hidden: str, name: str) -> None:
    assert visible(f"a{hidden}b") == f"a␣{name}b"


@pytest.mark.parametrize(
    "text",
    ["plain", "two\nlines\tand a tab", "naïve café", "日本語", "עברית", "👩‍🔬 ❤️", "x\u00a0y"],
)
def test_ordinary_text_stays(text: str) -> None:
    assert visible(text) == text


def test_line_breaks_of_windows_become_plain_ones() -> None:
    assert visible("a\r\nb\u200b") == "a\nb␣U+200B"


def test_a_joiner_outside_an_emoji_is_seen() -> None:
    assert visible("pass\u200dword") == "pass␣U+200Dword"


@given(st.text())
def test_what_is_shown_holds_no_control_or_format_character(text: str) -> None:
    for char in visible(text):
        if char != "\u200d":  # kept inside emoji only, see above
            assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co")


def test_one_line_is_one_bounded_line() -> None:
    assert one_line("a\n b\t\u202ec") == "a b ␣U+202Ec"
    assert len(one_line("x" * 10**6, 50)) == 50


def test_bounded_says_that_it_cut() -> None:
    assert bounded("x" * (MAX_CHARS + 1)).endswith("…")
    assert bounded("short", 5) == "short"
