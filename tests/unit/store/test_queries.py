"""Every named query keeps the rules: project first, no text put together, readable by a reader."""

import re
from importlib import resources

import pytest

from tachograph_store.embedded.guard import Work, check
from tachograph_store.embedded.lexer import Kind, tokens
from tachograph_store.named import fragment_text, query_names, query_text

NAMES = query_names()
LISTS = ["traces_page", "traces_lines", "traces_scores", "sessions_page", "sessions_lines"]
CONTENT_COLUMNS = {"prompt", "completion", "context"}


def test_there_are_queries() -> None:
    assert {"traces_page", "traces_lines", "trace_spans", "sessions_page"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_takes_a_project(name: str) -> None:
    assert re.search(r"\bproject = \{project:String\}", query_text(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_query_is_filled_by_the_server_only(name: str) -> None:
    words = [token for token in tokens(query_text(name)) if token.kind is not Kind.COMMENT]
    for opening, word, colon in zip(words, words[1:], words[2:], strict=False):
        if opening.is_symbol("{"):
            assert word.kind is Kind.WORD
            assert colon.is_symbol(":")
    assert not any(token.is_symbol("%") for token in words)


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_may_run_it(name: str) -> None:
    assert check(query_text(name), "reader", max_query_bytes=100_000).work is Work.READ


@pytest.mark.parametrize("name", LISTS)
def test_lists_never_read_content(name: str) -> None:
    words = {token.text for token in tokens(query_text(name)) if token.kind is Kind.WORD}
    assert words.isdisjoint(CONTENT_COLUMNS)


def test_each_fragment_stands_in_several_places() -> None:
    folder = resources.files("tachograph_store") / "queries" / "fragments"
    fragments = [file.name.removesuffix(".sql") for file in folder.iterdir()]
    assert len(fragments) >= 3
    for fragment in fragments:
        assert sum(query_text(name).count(fragment_text(fragment)) for name in NAMES) >= 2
    assert not any("-- include" in query_text(name) for name in NAMES)


@pytest.mark.parametrize("name", ["nothing", "../rows", "trace_spans.sql"])
def test_an_unknown_query_says_so(name: str) -> None:
    with pytest.raises(KeyError):
        query_text(name)
