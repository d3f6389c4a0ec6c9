"""ClickHouse's tokens, enough to know what a statement names before the engine sees it.

The rules follow the engine's own lexer where they agree with it and refuse where a difference could
hide something: outside strings and comments only ASCII is taken (the engine also reads typographic
quotes, spaces and minus signs), NUL is taken nowhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a token is."""

    WORD = "word"  # bare identifier or keyword
    QUOTED = "quoted"  # identifier in backquotes or double quotes
    STRING = "string"
    HEREDOC = "heredoc"
    NUMBER = "number"
    SYMBOL = "symbol"  # one character
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` is the identifier without quotes, the symbol, or the raw slice."""

    kind: Kind
    text: str
    start: int
    stop: int

    def is_word(self, *words: str) -> bool:
        """Whether this is one of these keywords (upper case), unquoted."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_symbol(self, symbol: str) -> bool:
        """Whether this is that character."""
        return self.kind is Kind.SYMBOL and self.text == symbol


class LexError(ValueError):
    """Text that is no token; `position` counts characters from the statement's start."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at position {position + 1}")
        self.position = position


_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(
    r"0[xX][0-9A-Fa-f_]*(?:\.[0-9A-Fa-f_]*)?(?:[pP][+-]?[0-9]+)?"
    r"|0[bB][01_]+"
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?"
)
_HEREDOC = re.compile(r"\$[A-Za-z0-9_]*\$")
_LINE_COMMENT = re.compile(r"(?:--|//|#[ !])[^\n]*")
_QUOTED = {
    "'": re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\]|""|\\.)*"', re.DOTALL),
    "`": re.compile(r"`(?:[^`\\]|``|\\.)*`", re.DOTALL),
}


def _block_comment_stop(sql: str, start: int) -> int:
    # The first "*/" ends it, as in this engine: comments do not nest there. The guard blanks every
    # comment before the engine sees it, so a future engine that nests cannot disagree.
    stop = sql.find("*/", start + 2)
    if stop < 0:
        raise LexError("a comment that does not end", start)
    return stop + 2


def _token_at(sql: str, start: int) -> Token:
    character = sql[start]
    if character in _QUOTED:
        match = _QUOTED[character].match(sql, start)
        if match is None:
            raise LexError("a quote that does not end", start)
        raw = match.group()
        if character == "'":
            return Token(Kind.STRING, raw, start, match.end())
        name = raw[1:-1].replace(character * 2, character)
        return Token(Kind.QUOTED, name, start, match.end())
    if sql.startswith("/*", start):
        stop = _block_comment_stop(sql, start)
        return Token(Kind.COMMENT, sql[start:stop], start, stop)
    for kind, pattern in (
        (Kind.COMMENT, _LINE_COMMENT),
        (Kind.WORD, _WORD),
        (Kind.NUMBER, _NUMBER),
    ):
        match = pattern.match(sql, start)
        if match is not None:
            return Token(kind, match.group(), start, match.end())
    if character == "$":
        opening = _HEREDOC.match(sql, start)
        if opening is not None:
            stop = sql.find(opening.group(), opening.end())
            if stop < 0:
                raise LexError("a heredoc that does not end", start)
            stop += len(opening.group())
            return Token(Kind.HEREDOC, sql[start:stop], start, stop)
    if not " " < character < "\x7f":
        raise LexError(f"the character U+{ord(character):04X} outside a string", start)
    return Token(Kind.SYMBOL, character, start, start + 1)


def tokens(sql: str) -> Iterator[Token]:
    """Every token of `sql` in order, comments included, spaces left out.

    Lazy: what stands behind `INSERT … FORMAT name` is data, so a caller stops there.

    Raises:
        LexError: text that is no token, or NUL.
    """
    position = 0
    while position < len(sql):
        space = _SPACE.match(sql, position)
        if space is not None:
            position = space.end()
            continue
        token = _token_at(sql, position)
        if "\0" in token.text:
            raise LexError("a NUL character", position)
        yield token
        position = token.stop
