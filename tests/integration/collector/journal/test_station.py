"""A journal in this process, drained into the real engine: refused rows, damage, replays."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fixtures.bare_rows import bare_span
from tests.integration.collector.journal.conftest import OpenStation, finish, ledger_of

from tachograph_collector.journal.codec import Draft, pack
from tachograph_collector.journal.state import Intent, State
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.settings import CollectorSettings
from tachograph_store.client import Store
from tachograph_store.queries.ledger import ledger_balance
from tachograph_store.rows import EngineReadingRow, SpanRow


def _span(project: str, service: str, **changes: Any) -> SpanRow:
    return bare_span(project, service_name=service, **changes)


def _append(station: JournalStation, *rows: SpanRow) -> None:
    sources = [row.service_name for row in rows]
    draft = Draft(
        rows[0].project, "spans", Counter(sources), tables={"spans": rows}, sources=sources
    )
    packed = pack(draft)
    station.journal.admit(packed)
    station.journal.append([packed])


def _stored(store: Store, project: str) -> int:
    sql = "SELECT count() AS n FROM spans WHERE project = {project:String}"
    return int(store.query(sql, {"project": project})[0]["n"])


def test_the_beginning_of_a_burst_waits_for_the_rest_of_half_a_block(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    settings.max_block_rows = 20
    station = open_station(pause_s=600, lull_s=600)
    station.start()
    assert asyncio.run(station.settle(50))  # it has looked once, and found nothing
    _append(station, _span(project, "a"))
    assert not asyncio.run(station.settle(0.5))  # it waits, which nothing but the next rows ends
    _append(station, *(_span(project, "a") for _ in range(9)))
    assert station.stop(180)
    sql = "SELECT uniqExact(booked_block) AS n FROM spans WHERE project = {project:String}"
    assert reader_store.query(sql, {"project": project})[0]["n"] == 1
    assert _stored(reader_store, project) == 10


def test_a_lone_export_waits_for_no_others(
    open_station: OpenStation, harness: Any, reader_store: Store, project: str
) -> None:
    station = open_station(pause_s=600, lull_s=0.01)
    station.start()
    _append(station, _span(project, "a"))
    harness.wait_for(lambda: _stored(reader_store, project) == 1, "the lone span")
    assert station.stop(180)


@pytest.mark.lesson(1, 8)
def test_neighbours_of_refused_rows_are_stored_and_the_books_say_so(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    station = open_station()
    good = [_span(project, service) for service in ("a", "a", "b")]
    bad = _span(project, "a", chunk_count=2**40)
    _append(station, good[0], bad, good[1], good[2])
    _append(station, good[0], replace(good[2], content_hash=1))
    finish(station)
    assert _stored(reader_store, project) == 3
    assert ledger_of(reader_store, project) == {
        ("a", "received", ""): 4,
        ("a", "accepted", ""): 4,
        ("a", "stored", ""): 2,
        ("a", "duplicate", ""): 1,
        ("a", "quarantined", "refused"): 1,
        ("b", "received", ""): 2,
        ("b", "accepted", ""): 2,
        ("b", "stored", ""): 1,
        ("b", "duplicate", "correction"): 1,
    }
    assert settings.journal_dir is not None
    kept = list((settings.journal_dir / "quarantine").iterdir())
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600]
    line = json.loads(kept[0].read_text())
    assert (line["table"], line["row"]["span_id"]) == ("spans", bad.span_id)
    assert line["reason"]


def test_a_full_quarantine_keeps_counting(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    settings.quarantine_max_bytes = 10
    station = open_station()
    _append(station, _span(project, "a", chunk_count=2**40), _span(project, "a"))
    finish(station)
    assert ledger_of(reader_store, project)["a", "quarantined", "refused_not_kept"] == 1
    assert station.health().quarantine_bytes == 0


def test_a_refused_reading_is_quarantined_and_its_neighbour_stored(
    open_station: OpenStation, reader_store: Store, project: str
) -> None:
    station = open_station()
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    reading = EngineReadingRow(
        project=project, name="vllm:x", time=time.time_ns(), kind="gauge", value=1.0,
        expires_on=tomorrow,
    )  # fmt: skip
    rows = [reading, replace(reading, name="vllm:y", value=float("nan"))]
    draft = Draft(project, "metrics", Counter(side=2), tables={"engine_readings": rows})
    station.journal.append([pack(draft)])
    finish(station)
    assert ledger_of(reader_store, project) == {
        ("side", "received", ""): 2,
        ("side", "accepted", ""): 2,
        ("side", "stored", ""): 1,
        ("side", "quarantined", "refused"): 1,
    }


def test_damage_in_the_middle_is_set_aside_and_the_rest_goes_on(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    station = open_station()
    for _ in range(3):
        _append(station, _span(project, "a"), _span(project, "a"))
    assert settings.journal_dir is not None
    segment = next(settings.journal_dir.glob("*/*.segment"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2 + 100] ^= 1
    segment.write_bytes(content)
    finish(station)
    assert _stored(reader_store, project) == 4
    ledger = ledger_of(reader_store, project)
    assert ledger["a", "accepted", ""] == 6
    assert ledger["a", "quarantined", "damaged"] == 2
    health = station.health()
    assert (health.damaged_records, health.torn_records, health.missing_records) == (1, 0, 0)
    assert [p.suffix for p in (settings.journal_dir / "quarantine").iterdir()] == [".damaged"]


def test_a_record_of_an_unknown_version_is_set_aside(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    station = open_station()
    packed = pack(Draft(project, "spans", Counter(a=1), tables={"spans": [_span(project, "a")]}))
    strange = replace(packed, payload=packed.payload.replace(b'"span_id"', b'"id"'))
    station.journal.append([strange, replace(packed, meta=b"[]")])
    _append(station, _span(project, "a"))
    finish(station)
    assert _stored(reader_store, project) == 1
    assert ledger_of(reader_store, project)["a", "quarantined", "damaged"] == 1
    assert station.health().damaged_records == 2
    finish(open_station())  # what is set aside does not come again


@pytest.mark.parametrize("clock_s", [0, -86_400])
def test_a_block_that_comes_again_is_the_same_block(
    open_station: OpenStation,
    settings: CollectorSettings,
    reader_store: Store,
    project: str,
    clock_s: int,
) -> None:
    """As after a crash between the insert and the checkpoint, also under a clock set back."""
    station = open_station()
    old = _span(project, "a")
    _append(station, old)
    finish(station)
    station = open_station()
    corrected = replace(old, content_hash=old.content_hash + 1)
    _append(station, _span(project, "a"), corrected, _span(project, "b"), _span(project, "b"))
    assert settings.journal_dir is not None
    folder = next(settings.journal_dir.glob("*/state.json")).parent
    kept = [*folder.glob("*.segment"), *folder.glob("totals-*.json")]
    contents = {path: path.read_bytes() for path in kept}
    before = (folder / "state.json").read_bytes()
    finish(station)
    once = ledger_of(reader_store, project)
    for path, content in contents.items():
        path.write_bytes(content)
    state = json.loads(before)
    state["version"] += clock_s * 10**9
    (folder / "state.json").write_text(json.dumps(state))
    assert State.load(folder).block == state["block"]
    finish(open_station())
    assert State.load(folder).block == state["block"] + 1
    assert _stored(reader_store, project) == 4
    assert ledger_of(reader_store, project) == once
    assert once["a", "stored", ""] == 2
    assert once["a", "duplicate", "correction"] == 1
    assert once["b", "stored", ""] == 2


def test_a_span_that_another_collector_stored_meanwhile_counts_as_stored_once(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    """Killed between its decision and its insert; the sender came again to another collector."""
    place = settings.journal_dir
    assert place is not None
    first, second = _span(project, "a"), _span(project, "a")
    dead = open_station()
    _append(dead, first, second)
    folder = next(path for path in place.iterdir() if (path / "lock").exists())
    Intent(1, dead.journal.end, time.time_ns(), "ss").save(folder)
    assert dead.stop(0)  # never started: what it decided is not carried out
    settings.journal_dir = place.with_name("another")
    other = open_station()
    _append(other, first)
    finish(other)
    settings.journal_dir = place
    finish(open_station())
    assert _stored(reader_store, project) == 2
    ledger = ledger_of(reader_store, project)
    assert (ledger["a", "stored", ""], ledger["a", "duplicate", ""]) == (2, 1)
    (books,) = ledger_balance(reader_store, project)
    assert (books.live, books.is_balanced) == (2, True)


def test_spans_stored_before_the_first_checkpoint_are_entered_in_the_same_books(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    station = open_station()
    _append(station, _span(project, "a"), _span(project, "a"))
    place = settings.journal_dir
    assert place is not None
    segment = next(place.glob("*/*.segment"))
    content = segment.read_bytes()
    finish(station)
    folder = segment.parent
    intent = (folder / "intent.json").read_bytes()
    for path in folder.glob("*.json"):
        path.unlink()
    (folder / "intent.json").write_bytes(intent)
    segment.write_bytes(content)
    finish(open_station())
    (books,) = ledger_balance(reader_store, project)
    assert (books.stored, books.duplicate, books.live, books.not_entered) == (2, 0, 2, 0)
    assert books.is_balanced
