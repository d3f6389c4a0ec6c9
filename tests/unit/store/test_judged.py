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
