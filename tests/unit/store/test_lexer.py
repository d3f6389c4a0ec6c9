"""Tokens: what the guard sees of a statement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_store.embedded.lexer import Kind, LexError, Token, tokens


def kinds(sql: str) -> list[tuple[Kind, str]]:
    return [(token.kind, token.text) for token in tokens(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a1 _x", [(Kind.WORD, "a1"), (Kind.WORD, "_x")]),
        ("a$b", [(Kind.WORD, "a"), (Kind.SYMBOL, "$"), (Kind.WORD, "b")]),
        ("'it''s'", [(Kind.STRING, "'it''s'")]),
        (r"'a\'b'", [(Kind.STRING, r"'a\'b'")]),
        ("`a``b`", [(Kind.QUOTED, "a`b")]),
        ('"a""b"', [(Kind.QUOTED, 'a"b')]),
        ("$$ ' $$", [(Kind.HEREDOC, "$$ ' $$")]),
        ("$x$ $$ $x$", [(Kind.HEREDOC, "$x$ $$ $x$")]),
        ("1.5e-3", [(Kind.NUMBER, "1.5e-3")]),
        ("0xFFp2", [(Kind.NUMBER, "0xFFp2")]),
        ("1_000", [(Kind.NUMBER, "1_000")]),
        ("a.1", [(Kind.WORD, "a"), (Kind.NUMBER, ".1")]),
        ("a--b\nc", [(Kind.WORD, "a"), (Kind.COMMENT, "--b"), (Kind.WORD, "c")]),
        ("a // b", [(Kind.WORD, "a"), (Kind.COMMENT, "// b")]),
        ("# b", [(Kind.COMMENT, "# b")]),
        ("#!b", [(Kind.COMMENT, "#!b")]),
        ("#b", [(Kind.SYMBOL, "#"), (Kind.WORD, "b")]),
        ("/* a /* b */c", [(Kind.COMMENT, "/* a /* b */"), (Kind.WORD, "c")]),
        ("a/b", [(Kind.WORD, "a"), (Kind.SYMBOL, "/"), (Kind.WORD, "b")]),
        ("'-- x' y", [(Kind.STRING, "'-- x'"), (Kind.WORD, "y")]),
    ],
)
def test_tokens(sql: str, expected: list[tuple[Kind, str]]) -> None:
    assert kinds(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "'open",
        '"open',
        "`open",
        "/* open",
        "$$ open",
        "a\0b",
        "'a\0b'",
        "\u2018a\u2019",
        "a\u00a0b",
    ],
)
def test_what_is_no_token_is_refused(sql: str) -> None:
    with pytest.raises(LexError):
        list(tokens(sql))


def test_what_follows_is_not_looked_at() -> None:
    lazily = tokens("FORMAT Native \0\0'\"")
    assert [next(lazily).text, next(lazily).text] == ["FORMAT", "Native"]


@given(st.text(alphabet="ab '\"`\\/*-#$!\n.;(1é", max_size=60))
def test_tokens_cover_the_text_in_order(sql: str) -> None:
    position = 0
    try:
        for token in tokens(sql):
            assert sql[position : token.start].strip() == ""
            assert token.stop > token.start
            position = token.stop
    except LexError as error:
        assert error.position >= position
    else:
        assert sql[position:].strip() == ""


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_quoted_text_is_one_token(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    found: list[Token] = list(tokens(f"'{escaped}' x"))
    assert [token.kind for token in found] == [Kind.STRING, Kind.WORD]
