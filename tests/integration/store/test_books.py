"""The third equation, `stored = live + expired + forgotten`, while spans come and leave."""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.bare_rows import bare_span
from tests.fixtures.journal_books import journal_books, write_booked
from tests.fixtures.module_store import module_store

from tachograph_store.client import Store
from tachograph_store.queries.ledger import LedgerBalance, ledger_balance
from tachograph_store.removals import (
    delete_expired,
    delete_forgotten,
    enter_expired,
    enter_forgotten,
    expired_through,
    mark_forgotten,
)
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

store_server, reader_store, writer_store, migrator_store = module_store()

pytestmark = pytest.mark.usefixtures("one_day")

LATER = datetime.now(UTC).date() + timedelta(days=9)
ROUNDS = 20


def _span(project: str, **changes: Any) -> SpanRow:
    return bare_span(project, **{"expires_on": LATER, "content_expires_on": LATER, **changes})


def _one(store: Store, project: str, source: str = "shop") -> LedgerBalance:
    (line,) = (line for line in ledger_balance(store, project) if line.source == source)
    return line


def _counts(line: LedgerBalance) -> Mapping[str, int]:
    names = ("stored", "live", "expired", "forgotten")
    return {name: getattr(line, name) for name in names}


def _rows(store: Store, project: str) -> int:
    sql = "SELECT count() AS n FROM spans WHERE project = {project:String}"
    return int(store.query(sql, {"project": project})[0]["n"])


def test_a_project_without_books_has_no_lines(reader_store: Store, project: str) -> None:
    assert ledger_balance(reader_store, project) == []


def test_journaled_spans_are_in_the_books_each_once(
    store_server: StoreSettings, reader_store: Store, project: str, tmp_path: Path
) -> None:
    first, second = _span(project), _span(project, service_name="")
    corrected = replace(first, content_hash=1, service_name="other")
    write_booked(store_server, tmp_path, [first, second], [first, corrected])
    line = _one(reader_store, project)
    assert (line.accepted, line.stored, line.duplicate) == (2, 1, 1)
    assert line.live == 1  # also once it is corrected to be another service's
    assert _one(reader_store, project, "other").reasons == {"duplicate:correction": 1}
    assert all(line.is_balanced for line in ledger_balance(reader_store, project))


def test_expired_spans_stay_counted_after_they_are_deleted(
    store_server: StoreSettings,
    writer_store: Store,
    reader_store: Store,
    project: str,
    tmp_path: Path,
) -> None:
    today = datetime.now(UTC).date()
    soon = today + timedelta(days=1)
    spans = [_span(project, expires_on=soon), _span(project, expires_on=soon), _span(project)]
    write_booked(store_server, tmp_path, spans)
    after = soon + timedelta(days=1)
    assert enter_expired(writer_store, project).count == 0
    assert expired_through(reader_store, project) == today - timedelta(days=1)
    assert enter_expired(writer_store, project, after).count == 2
    gone = {"stored": 3, "live": 1, "expired": 2, "forgotten": 0}
    assert _counts(_one(reader_store, project)) == gone
    assert enter_expired(writer_store, project, after).count == 0
    delete_expired(writer_store, project)
    assert _rows(reader_store, project) == 1
    assert _counts(_one(reader_store, project)) == gone


def test_forgotten_spans_are_counted_once_whenever_they_are_deleted(
    store_server: StoreSettings,
    writer_store: Store,
    reader_store: Store,
    project: str,
    tmp_path: Path,
) -> None:
    spans = [_span(project, user="ada"), _span(project, user="ada"), _span(project, user="bob")]
    write_booked(store_server, tmp_path, spans)
    for user, marked, forgotten in (("ada", 2, 2), ("bob", 1, 3)):
        mark_forgotten(writer_store, project, "user = {user:String}", {"user": user})
        gone = {"stored": 3, "live": 3 - forgotten, "expired": 0, "forgotten": forgotten}
        assert _counts(_one(reader_store, project)) == gone
        assert enter_forgotten(writer_store, project).count == marked
        assert _counts(_one(reader_store, project)) == gone
        delete_forgotten(writer_store, project)
        assert _counts(_one(reader_store, project)) == gone
    assert _rows(reader_store, project) == 0


def test_spans_that_the_books_do_not_have_yet_are_not_counted_as_gone(
    store_server: StoreSettings,
    writer_store: Store,
    reader_store: Store,
    project: str,
    tmp_path: Path,
) -> None:
    write_booked(store_server, tmp_path, [_span(project)])
    on_its_way = _span(project, booked_by="journal", booked_source="shop", user="ada")
    Writer(writer_store).write_spans([on_its_way])
    line = _one(reader_store, project)
    assert (line.live, line.not_entered, line.is_balanced) == (1, 1, True)
    mark_forgotten(writer_store, project, "user = {user:String}", {"user": "ada"})
    assert enter_forgotten(writer_store, project).waiting == 1
    delete_forgotten(writer_store, project)
    assert _rows(reader_store, project) == 2


def test_rows_that_no_books_have_stand_beside(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    Writer(writer_store).write_spans([_span(project)])
    line = _one(reader_store, project, "")
    assert (line.outside, line.stored, line.live, line.is_balanced) == (1, 0, 0, True)


@pytest.mark.timeout(900)
def test_the_books_balance_at_every_moment(
    store_server: StoreSettings,
    writer_store: Store,
    reader_store: Store,
    project: str,
    tmp_path: Path,
) -> None:
    """Rows and lines are looked at in one query while both are being written."""
    done = threading.Event()

    def is_entered() -> bool:
        lines = ledger_balance(reader_store, project)
        return bool(lines) and not any(line.not_entered for line in lines)

    def write() -> None:
        spans: list[SpanRow] = []
        with journal_books(store_server, tmp_path) as books:
            for number in range(ROUNDS):
                spans = [_span(project, user=str(number % 5)) for _ in range(20)] + [
                    replace(span, content_hash=number) for span in spans[:3]
                ]
                books.write(spans)
                if number % 10 == 9:
                    while not is_entered():
                        time.sleep(0.05)
                    mark_forgotten(writer_store, project, "user = {user:String}", {"user": "4"})
                    enter_forgotten(writer_store, project)
                    delete_forgotten(writer_store, project)

    def run() -> None:
        try:
            write()
        finally:
            done.set()

    thread = threading.Thread(target=run)
    thread.start()
    looks = 0
    while not done.is_set():
        for line in ledger_balance(reader_store, project):
            assert line.is_balanced, line
            looks += 1
    thread.join()
    assert looks > 20
    line = _one(reader_store, project)
    assert line.live == _rows(reader_store, project)
    anew = 3  # corrections of spans that were forgotten meanwhile
    assert line.live + line.forgotten == line.stored == 20 * ROUNDS + anew
