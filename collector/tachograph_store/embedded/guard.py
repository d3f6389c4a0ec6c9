"""Which statements a role may send, judged on tokens before the engine sees the text.

The engine's own `readonly = 1` is not enough: with it chDB 4.4 still answers
`SELECT file('/etc/passwd')`, writes `INTO OUTFILE` and reads Python objects of the process. What
the guard returns has its comments blanked, so guard and engine cannot disagree about where a
comment ends.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from tachograph_store.embedded.credentials import Role
from tachograph_store.embedded.exceptions import (
    ACCESS_DENIED,
    QUERY_IS_TOO_LARGE,
    READONLY,
    SYNTAX_ERROR,
    EngineException,
)
from tachograph_store.embedded.lexer import Kind, LexError, Token, tokens
from tachograph_store.embedded.words import (
    ALTER_WORDS_OF_DDL,
    BEFORE_SELECT,
    BEFORE_TABLE,
    DDL_STATEMENTS,
    FORBIDDEN_FUNCTIONS,
    FORBIDDEN_WORDS,
    MERGE_TREE_ENGINE,
    READ_STATEMENTS,
    SETTINGS_IN_STATEMENTS,
    SYSTEM_TABLES,
    WORDS_OF_OTHER_PLACES,
)
from tachograph_store.rows import TABLES

MIGRATIONS_TABLE = "schema_migrations"
APPEND_ONLY_TABLES = frozenset({"api_keys", "ledger"})
"""A row is replaced by a newer version of it; nobody has cause to delete keys or the books."""


class Work(Enum):
    """How a statement runs."""

    READ = "read"  # on a connection with readonly = 1
    WRITE = "write"
    INSERT_DATA = "insert_data"  # its rows follow the statement


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may run: text without comments, and what follows it as rows."""

    sql: str
    work: Work
    format: str | None
    """Output format, or the format of the rows that follow."""
    is_streamed: bool
    """Whether the engine can answer block by block."""
    data_start: int
    """Index in the given text at which rows begin; only for `INSERT_DATA`."""


_SAFE_QUOTED = re.compile(r"[A-Za-z0-9_ ()+\-%=<>,#]*")
_ENGINE = re.compile(MERGE_TREE_ENGINE)


def _refuse(reason: str) -> EngineException:
    return EngineException.of(ACCESS_DENIED, f"{reason}: refused by the embedded store")


def _scan(text: str) -> tuple[list[Token], int | None]:
    """Tokens without comments; for an INSERT with data, stops and tells where the data begins."""
    found: list[Token] = []
    depth = 0
    for token in tokens(text):
        if token.kind is Kind.COMMENT:
            continue
        found.append(token)
        depth += token.is_symbol("(") - token.is_symbol(")")
        if (
            depth == 0
            and len(found) > 3
            and found[0].is_word("INSERT")
            and found[-2].is_word("FORMAT")
            and token.kind is Kind.WORD
        ):
            return found, token.stop
    return found, None


def _blank_comments(text: str, kept: Sequence[Token], stop: int) -> str:
    pieces: list[str] = []
    position = 0
    for token in kept:
        gap = text[position : token.start]
        pieces.append(gap if not gap.strip() else " ")
        pieces.append(text[token.start : token.stop])
        position = token.stop
    tail = text[position:stop]
    pieces.append(tail if not tail.strip() else "")
    return "".join(pieces)


def _is_utf8(text: str) -> bool:
    # Bytes that were no UTF-8 arrive as surrogates.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _check_words(found: Sequence[Token]) -> None:
    for index, token in enumerate(found):
        following = found[index + 1] if index + 1 < len(found) else None
        if token.kind is Kind.HEREDOC or token.is_symbol("$"):
            raise _refuse("a heredoc, or $ in a name")
        if token.is_symbol(";") and any(not later.is_symbol(";") for later in found[index:]):
            raise _refuse("more than one statement")
        if token.kind is Kind.QUOTED and not _SAFE_QUOTED.fullmatch(token.text):
            raise _refuse("a quoted name with characters that paths are made of")
        if token.kind not in (Kind.WORD, Kind.QUOTED):
            continue
        if token.text.lower() in FORBIDDEN_FUNCTIONS:
            raise _refuse(
                f"{token.text!r} is a function that reaches beyond the tables, and no name for "
                "anything else"
            )
        if token.text.lower() == "system" and following is not None and following.is_symbol("."):
            table = found[index + 2] if index + 2 < len(found) else None
            if table is None or table.text.lower() not in SYSTEM_TABLES:
                raise _refuse("this table of the database system")
        elif token.kind is Kind.WORD and token.text.upper() in FORBIDDEN_WORDS:
            raise _refuse(f"the word {token.text.upper()}")
        if token.text.upper() == "IDENTIFIER" and index and found[index - 1].is_symbol(":"):
            raise _refuse("a parameter that stands for a name")


def _check_tables(found: Sequence[Token]) -> None:
    """A string where a table belongs is a path to this engine.

    No word but SELECT at the head of a query is trusted to end a list of tables: after AS, or as a
    column, the engine takes any word for a name (`FROM a AS where, '/etc/passwd'`). What that
    refuses besides, a constant behind a comma of ORDER BY, nobody needs.
    """
    may_be_table = [False]  # for each open bracket: has a list of tables begun in it?
    for index, token in enumerate(found):
        before = found[index - 1] if index else None
        follows_comma = before is not None and before.is_symbol(",")
        opens = before is not None and before.is_symbol("(")
        follows_keyword = before is not None and before.is_word(*BEFORE_TABLE)
        if token.is_symbol("("):
            goes_on = follows_comma or opens or follows_keyword
            may_be_table.append(may_be_table[-1] and goes_on)
        elif token.kind is Kind.SYMBOL and token.text in "[{":
            may_be_table.append(False)
        elif token.kind is Kind.SYMBOL and token.text in ")]}":
            may_be_table[-1:] = [] if len(may_be_table) > 1 else [False]
        elif token.is_word("SELECT") and (
            before is None or opens or before.is_word(*BEFORE_SELECT)
        ):
            may_be_table[-1] = False
        elif token.is_word("FROM", "JOIN"):
            may_be_table[-1] = True
        elif token.kind is Kind.STRING and (
            follows_keyword or (may_be_table[-1] and (follows_comma or opens))
        ):
            raise _refuse("a string in the place of a table")


def _check_settings(found: Sequence[Token]) -> None:
    """`SETTINGS a = 1, b = 'x'`: known names and plain values, so that none can hide another."""
    for index, token in enumerate(found):
        if not token.is_word("SETTINGS", "SETTING"):
            continue
        position = index + 1
        while position + 2 < len(found) and found[position + 1].is_symbol("="):
            name, value = found[position].text, found[position + 2]
            if name not in SETTINGS_IN_STATEMENTS:
                raise EngineException.of(READONLY, f"Cannot modify {name!r} setting")
            if value.kind not in (Kind.NUMBER, Kind.STRING):
                raise EngineException.of(READONLY, f"{name!r} takes a number or a string")
            position += 3
            if position < len(found) and not found[position].is_symbol(","):
                break
            position += 1


def _table_after(found: Sequence[Token], index: int) -> str:
    """The table named at `index`, its database being the default one or not said."""
    while index < len(found) and found[index].is_word("TABLE", "IF", "NOT", "EXISTS"):
        index += 1
    if index + 2 < len(found) and found[index + 1].is_symbol("."):
        if found[index].text != "default":
            raise _refuse(f"the database {found[index].text!r}")
        index += 2
    if index >= len(found) or found[index].kind not in (Kind.WORD, Kind.QUOTED):
        raise EngineException.of(SYNTAX_ERROR, "a table's name is missing")
    return found[index].text


def _depth_zero(found: Sequence[Token]) -> list[Token]:
    level = 0
    top: list[Token] = []
    for token in found:
        level -= token.is_symbol(")")
        if level == 0:
            top.append(token)
        level += token.is_symbol("(")
    return top


def _check_rows_statement(found: Sequence[Token], tables: frozenset[str]) -> None:
    """INSERT, DELETE and ALTER … DELETE | UPDATE of a known table."""
    top = _depth_zero(found)
    first = found[0]
    if first.is_word("INSERT", "DELETE"):
        if len(found) < 3 or not found[1].is_word("INTO", "FROM"):
            raise EngineException.of(SYNTAX_ERROR, "INSERT INTO or DELETE FROM a table is expected")
        if found[2].is_word("FUNCTION"):
            raise _refuse("INSERT INTO FUNCTION")
        table = _table_after(found, 2)
    else:
        if len(found) < 3 or not found[1].is_word("TABLE"):
            raise _refuse("ALTER of anything but a table")
        table = _table_after(found, 2)
        # Each command of a list may stand in brackets of its own.
        commands = [
            token
            for before, token in pairwise(found)
            if token in top or before.is_symbol("(") or before.is_symbol(",")
        ]
        if any(token.is_word(*ALTER_WORDS_OF_DDL) for token in commands):
            raise _refuse("ALTER … other than DELETE and UPDATE")
        if not any(token.is_word("DELETE", "UPDATE") for token in commands):
            raise _refuse("ALTER … other than DELETE and UPDATE")
    if table not in tables:
        raise _refuse(f"writing to {table!r}, which is no table of this store")
    if table in APPEND_ONLY_TABLES and not first.is_word("INSERT"):
        raise _refuse(f"deleting from or changing {table!r}, which only grows")


def _check_merge(found: Sequence[Token]) -> None:
    """OPTIMIZE TABLE of a known table, and nothing more: one merge of parts that the engine chooses."""
    if len(found) != 3 or not found[1].is_word("TABLE"):
        raise _refuse("OPTIMIZE of more than a table's name")
    if (table := _table_after(found, 2)) not in TABLES:
        raise _refuse(f"merging {table!r}, which is no table of this store")


def _check_ddl(found: Sequence[Token]) -> None:
    first = found[0]
    if len(found) < 3 or not found[1].is_word("TABLE"):
        raise _refuse("DDL of anything but a table")
    _table_after(found, 2)
    engines = [
        found[index + 1 + found[index + 1].is_symbol("=")]
        for index, token in enumerate(found[:-2])
        if token.is_word("ENGINE")
    ]
    if first.is_word("CREATE") and len(engines) != 1:
        raise _refuse("CREATE TABLE without exactly one ENGINE")
    for engine in engines:
        if not _ENGINE.fullmatch(engine.text):
            raise _refuse(f"the engine {engine.text!r}")
    if any(token.is_word(*WORDS_OF_OTHER_PLACES) for token in found):
        raise _refuse("copying or moving parts to another place")


def _output_format(found: Sequence[Token]) -> str | None:
    top = _depth_zero(found)
    for token, name in zip(reversed(top[:-1]), reversed(top[1:]), strict=True):
        if token.is_word("FORMAT") and name.kind is Kind.WORD:
            return name.text
    return None


def check(text: str, role: Role, *, max_query_bytes: int) -> Statement:
    """What `role` may run of `text`.

    Raises:
        EngineException: 62 for text that is no statement, 77 too long, 164 a changed setting,
            497 everything that is refused.
    """
    try:
        found, data_start = _scan(text)
    except LexError as error:
        raise EngineException.of(SYNTAX_ERROR, f"Syntax error: {error}") from error
    stop = len(text) if data_start is None else data_start
    if stop > max_query_bytes:
        raise EngineException.of(QUERY_IS_TOO_LARGE, f"a statement above {max_query_bytes} bytes")
    if not found:
        raise EngineException.of(SYNTAX_ERROR, "Syntax error: an empty statement")
    if not _is_utf8(text[:stop]):
        raise EngineException.of(SYNTAX_ERROR, "Syntax error: the statement is not UTF-8")
    _check_words(found)
    _check_tables(found)
    _check_settings(found)
    first = next((token for token in found if not token.is_symbol("(")), found[0])
    work = Work.WRITE
    if first.is_word(*READ_STATEMENTS):
        if any(token.is_word("INSERT") for token in _depth_zero(found)):
            raise _refuse("INSERT inside another statement")
        work = Work.READ
    elif role == "reader":
        raise EngineException.of(READONLY, "reader: Cannot execute query in readonly mode")
    elif first.is_word("INSERT", "DELETE", "ALTER") and role == "writer":
        _check_rows_statement(found, frozenset(TABLES))
    elif first.is_word("INSERT", "DELETE"):
        _check_rows_statement(found, frozenset({*TABLES, MIGRATIONS_TABLE}))
    elif role == "writer" and first.is_word("OPTIMIZE"):
        _check_merge(found)
    elif role == "migrator" and first.is_word(*DDL_STATEMENTS):
        _check_ddl(found)
    else:
        raise _refuse(f"{first.text.upper()} for the role {role}")
    if data_start is not None:
        work = Work.INSERT_DATA
        head = found[:-2]
        return Statement(
            _blank_comments(text, head, head[-1].stop), work, found[-1].text, False, stop
        )
    while found and found[-1].is_symbol(";"):
        found.pop()
    return Statement(
        sql=_blank_comments(text, found, found[-1].stop),
        work=work,
        format=_output_format(found),
        is_streamed=first.is_word("SELECT", "WITH"),
        data_start=stop,
    )
