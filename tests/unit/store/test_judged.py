"""A statement that was judged before gets the same verdict, for its own role only."""

import pytest

from tachograph_store.embedded.exceptions import EngineException
from tachograph_store.embedded.guard import check
from tachograph_store.embedded.judged import MAX_CHARACTERS, MAX_STATEMENTS, JudgedStatements

QUESTION = "SELECT count() FROM spans -- how many\nWHERE project = {project:String}"


@pytest.fixture
def judged() -> JudgedStatements:
    return JudgedStatements(100_000)


def test_the_verdict_is_the_guards(judged: JudgedStatements) -> None:
    expected = check(QUESTION, "reader", max_query_bytes=100_000)
    assert judged.check(QUESTION, "reader") == expected
    assert judged.check(QUESTION, "reader") is judged.check(QUESTION, "reader")
    assert len(judged) == 1


def test_refusals_are_not_kept_and_roles_are_apart(judged: JudgedStatements) -> None:
    deletion = "DELETE FROM spans WHERE project = 'a'"
    assert judged.check(deletion, "writer").sql == deletion
    for text in (deletion, "SELECT file('/etc/passwd')"):
        for _ in range(2):
            with pytest.raises(EngineException):
                judged.check(text, "reader")
    assert len(judged) == 0


def test_rows_and_long_texts_are_not_kept(judged: JudgedStatements) -> None:
    judged.check("INSERT INTO spans (project) FORMAT CSV\n'secret'", "writer")
    judged.check(f"SELECT '{'x' * MAX_CHARACTERS}'", "reader")
    assert len(judged) == 0


def test_memory_is_bounded(judged: JudgedStatements) -> None:
    for number in range(MAX_STATEMENTS + 10):
        judged.check(f"SELECT {number}", "reader")
    assert len(judged) == MAX_STATEMENTS


INSERT = b"INSERT INTO spans (project) FORMAT CSV"


def test_an_inserts_line_is_judged_once_and_its_rows_never(judged: JudgedStatements) -> None:
    for rows in (b"\n'secret'\n", b"\n\xff\xfe\n'; DROP TABLE spans"):
        statement, found = judged.check_head(INSERT + rows, "writer")
        assert (statement.sql, statement.format) == ("INSERT INTO spans (project)", "CSV")
        assert found == rows
        assert len(judged) == 1
    assert judged.check_head(INSERT + b"\n1", "writer")[0] is statement


def test_another_line_or_role_is_judged_anew(judged: JudgedStatements) -> None:
    judged.check_head(INSERT + b"\n1\n", "writer")
    assert judged.check_head(INSERT + b"WithNames\n1\n", "writer")[0].format == "CSVWithNames"
    for head in (INSERT + b"\n1\n", b"INSERT INTO FUNCTION\n file('x') FORMAT CSV\n1"):
        with pytest.raises(EngineException):
            judged.check_head(head, "reader")


def test_rows_on_the_statements_line_are_no_part_of_what_is_kept(judged: JudgedStatements) -> None:
    _, rows = judged.check_head(INSERT + b" 'secret'\n'secret'", "writer")
    assert rows == b" 'secret'\n'secret'"
    assert len(judged) == 0
    assert judged.check_head(QUESTION.encode(), "reader")[1] == b""
