"""Full-text search over prompts and answers: what it finds, and what its index forgets."""

import dataclasses
import hashlib
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.module_store import module_store
from tests.integration.store.conftest import OwnStore

from tachograph_store.client import Store, connect
from tachograph_store.errors import QueryRefused
from tachograph_store.queries.finding import find_traces
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

store_server, reader_store, writer_store, migrator_store = module_store()

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
FAR = date(2099, 1, 1)

PROMPTS = (
    "How do I return the shoes?\nThey are “broken”—and\ttorn.",
    "Сколько стоит электричество в Берлине? ΟΔΟΣ Straße",
    "请问退货需要多少天？保留收据。",
    "mail bob.miller@example.com about order-77 and C:\\temp",
    "نعم، الطلب الثاني",
)


def message(role: str, text: str) -> str:
    document = [{"role": role, "parts": [{"type": "text", "content": text}]}]
    return json.dumps(document, ensure_ascii=False)


def call(project: str, number: int, prompt: str, answer: str, expires: date = FAR) -> SpanRow:
    return SpanRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=nanoseconds(NOON) + number * 1_000_000_000,
        duration_ns=1_000,
        name="chat",
        is_counted=True,
        prompt=message("user", prompt),
        completion=message("assistant", answer),
        content_hash=number,
        expires_on=FAR,
        content_expires_on=expires,
    )


def found(store: Store, project: str, content: str) -> list[int]:
    day = timedelta(days=1)
    selection = Selection(project=project, since=NOON - day, until=NOON + day)
    answer = find_traces(store, selection, content=content)
    return sorted(int(line.trace_id, 16) for line in answer.traces)


@pytest.fixture(scope="module", params=["as it arrived", "merged"])
def texts(request: pytest.FixtureRequest, writer_store: Store, migrator_store: Store) -> str:
    """The project of five requests; the first merge gives them their index."""
    project = f"test-{uuid.uuid4().hex[:12]}"
    rows = [call(project, at, prompt, f"answer {at}") for at, prompt in enumerate(PROMPTS)]
    for row in rows:
        Writer(writer_store).write_spans([row])
    if request.param == "merged":
        migrator_store.command("OPTIMIZE TABLE spans FINAL")
    return project


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("SHOES", [0]),
        ("return shoes", [0]),
        ("shoe", []),
        ("*shoe*", [0]),
        ("*OEs*", [0]),
        ("*ектричест*", [1]),
        ("broken torn", [0]),
        ("They", [0]),  # behind a line end, which JSON writes as \n
        ("torn", [0]),  # behind a tab
        ("shoes 3", []),
        ("answer", [0, 1, 2, 3, 4]),
        ("answer 3", [3]),
        ("answer shoes", [0]),  # one word of the answer, one of the prompt
        ('"return the shoes"', [0]),
        ('"the return shoes"', []),
        ('"shoes they"', [0]),  # only signs and a line end between them
        ('"return the" "are broken" *oke*', [0]),
        ("ЭЛЕКТРИЧЕСТВО берлине", [1]),
        ("ΟΔΟΣ", [1]),
        ("straße", [1]),
        ("退货", [2]),
        ("货退", []),
        ("收据", [2]),
        ("退货 收据", [2]),
        ("الطلب", [4]),
        ("نعم", [4]),
        ("bob.miller@example.com", [3]),
        ("miller", [3]),
        ("order-77", [3]),
        ("*100%*", []),
        ("*o_d*", []),
    ],
)
def test_words_phrases_and_parts(
    reader_store: Store, texts: str, content: str, expected: list[int]
) -> None:
    assert found(reader_store, texts, content) == expected


def test_messages_beside_their_span_are_found(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    event = dataclasses.replace(call(project, 7, "words of an event", "none"), is_counted=False)
    Writer(writer_store).write_spans([event])
    assert found(reader_store, project, "event") == [7]
    assert found(reader_store, project, "") == []


@pytest.mark.parametrize("content", ['"a b" "c d" "e f" "g h"', "*one* *two*", "*ab*", "?!"])
def test_a_search_that_cannot_be_asked_is_refused(
    reader_store: Store, project: str, content: str
) -> None:
    with pytest.raises(QueryRefused, match="search: "):
        found(reader_store, project, content)


MERGE = "OPTIMIZE TABLE spans PARTITION ID '20260901' FINAL"
MANY_WORDS = " ".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(2_000))
MANY_WORDS_BYTES = 40_000  # what an index of them takes at least; one of few words takes hundreds


def index_bytes(store: Store) -> int:
    """Size on disk of the search index in the parts that are in use; the engine packs its words."""
    parts = store.query("SELECT path FROM system.parts WHERE table = 'spans' AND active")
    files = (f for part in parts for f in Path(part["path"]).glob("skp_idx_searched_index*.idx"))
    return sum(file.stat().st_size for file in files)


def test_the_index_is_built_by_a_merge_and_forgets_what_expires(own_store: OwnStore) -> None:
    own_store.start()
    writer, reader = connect(own_store.settings, "writer"), connect(own_store.settings)
    migrator = connect(own_store.settings, "migrator")
    with writer, reader, migrator:
        Writer(writer).write_spans([call("p", 1, MANY_WORDS, "old", expires=date(2026, 9, 2))])
        Writer(writer).write_spans([call("p", 2, "lasting words", "new")])
        migrator.command(MERGE)  # builds the index, or leaves out at once what is over
        migrator.command(MERGE)
        assert 0 < index_bytes(reader) < MANY_WORDS_BYTES / 10
        assert found(reader, "p", "lasting") == [2]
        assert found(reader, "p", MANY_WORDS[:64]) == []


def test_the_index_forgets_what_is_deleted(own_store: OwnStore) -> None:
    own_store.start()
    writer, reader = connect(own_store.settings, "writer"), connect(own_store.settings)
    migrator = connect(own_store.settings, "migrator")
    with writer, reader, migrator:
        Writer(writer).write_spans([call("p", 1, MANY_WORDS, "secret")])
        assert index_bytes(reader) == 0  # nothing has been merged yet
        Writer(writer).write_spans([call("p", 2, "lasting words", "new")])
        migrator.command(MERGE)
        assert index_bytes(reader) > MANY_WORDS_BYTES
        assert found(reader, "p", MANY_WORDS[:64]) == [1]
        writer.command("DELETE FROM spans WHERE project = 'p' AND span_id = '0000000000000001'")
        assert found(reader, "p", MANY_WORDS[:64]) == []
        migrator.command(MERGE)
        assert 0 < index_bytes(reader) < MANY_WORDS_BYTES / 10
