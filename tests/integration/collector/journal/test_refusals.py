"""The engine refuses under an error code that nobody knows: one row's fault, or everything's."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.bare_rows import bare_span

from tachograph_collector.books import Books
from tachograph_collector.journal.codec import Draft, pack
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.client import Store, connect
from tachograph_store.queries.ledger import ledger_balance
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings


def _append(station: JournalStation, *rows: SpanRow) -> None:
    draft = Draft(
        rows[0].project,
        "spans",
        Counter(shop=len(rows)),
        tables={"spans": rows},
        sources=["shop"] * len(rows),
    )
    station.journal.append([pack(draft)])


@pytest.fixture
def station(store_server: StoreSettings, tmp_path: Path) -> Iterator[JournalStation]:
    link = StoreLink(store_server)
    settings = CollectorSettings(
        journal_dir=tmp_path / "journal", ledger_interval_s=0.2, refusal_patience_s=0.5
    )
    station = JournalStation(settings, link, Books())
    yield station
    assert station.stop(180)
    link.close()


@pytest.fixture
def refuse(store_server: StoreSettings) -> Iterator[Any]:
    """Makes the table itself refuse rows with code 395, which is not known to be about content."""
    with connect(store_server, "migrator") as store:

        def make(condition: str) -> None:
            store.command(
                "ALTER TABLE spans ADD COLUMN refusal UInt8 "
                f"MATERIALIZED throwIf({condition}, 'this row is not wanted')"
            )

        yield make
        store.command("ALTER TABLE spans DROP COLUMN IF EXISTS refusal")


def _stored(store: Store, project: str) -> int:
    sql = "SELECT count() AS n FROM spans WHERE project = {project:String}"
    return int(store.query(sql, {"project": project})[0]["n"])


@pytest.mark.lesson(1)
def test_a_row_that_goes_on_being_refused_is_set_aside_with_the_engines_words(
    station: JournalStation,
    refuse: Any,
    reader_store: Store,
    project: str,
    tmp_path: Path,
    harness: Any,
) -> None:
    refuse(f"project = '{project}' AND name = 'bad'")
    _append(station, bare_span(project), bare_span(project, name="bad"), bare_span(project))
    station.start()
    harness.wait_for(lambda: station.health().waiting_records == 0, "the drain")
    assert station.health().drain_problem is None
    assert _stored(reader_store, project) == 2
    (kept,) = (tmp_path / "journal" / "quarantine").iterdir()
    line = json.loads(kept.read_text())
    assert line["row"]["name"] == "bad"
    assert "this row is not wanted" in line["reason"]
    harness.wait_for(lambda: bool(ledger_balance(reader_store, project)), "the books")
    (books,) = ledger_balance(reader_store, project)
    assert (books.accepted, books.stored, books.quarantined) == (3, 2, 1)
    assert books.is_balanced


@pytest.mark.lesson(1)
def test_a_table_that_takes_nothing_blames_no_row(
    station: JournalStation,
    refuse: Any,
    store_server: StoreSettings,
    reader_store: Store,
    project: str,
    tmp_path: Path,
    harness: Any,
) -> None:
    refuse("length(name) < 1000")
    _append(station, bare_span(project), bare_span(project))
    station.start()
    harness.wait_for(
        lambda: "not wanted" in (station.health().drain_problem or ""), "the engine's words"
    )
    time.sleep(3)  # longer than its patience
    assert station.health().waiting_records == 2
    assert list((tmp_path / "journal" / "quarantine").iterdir()) == []
    with connect(store_server, "migrator") as store:
        store.command("ALTER TABLE spans DROP COLUMN refusal")
    harness.wait_for(lambda: station.health().waiting_records == 0, "the drain")
    assert _stored(reader_store, project) == 2
    assert station.health().drain_problem is None
