"""Scores and readings that come again: stored once, and counted as stored once."""

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from tests.integration.collector.journal.conftest import OpenStation, finish, ledger_of

from tachograph_collector.journal.codec import Draft, pack
from tachograph_collector.journal.state import Intent
from tachograph_collector.settings import CollectorSettings
from tachograph_store.client import Store
from tachograph_store.queries.ledger import ledger_balance
from tachograph_store.rows import EngineReadingRow, GpuReadingRow, ScoreRow

FAR = date(2099, 1, 1)


def _score(project: str, **changes: Any) -> ScoreRow:
    row = ScoreRow(
        project=project,
        trace_id=secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        span_time=time.time_ns(),
        evaluator="e",
        name="n",
        source="api",
        value=0.5,
        created_at=datetime.now(UTC),
        expires_on=FAR,
    )
    return replace(row, **changes)


def _scores(project: str, *rows: ScoreRow) -> Draft:
    sources = ["judge"] * len(rows)
    return Draft(project, "logs", Counter(sources), tables={"scores": rows}, sources=sources)


def _drain(open_station: OpenStation, *drafts: Draft) -> None:
    station = open_station()
    for draft in drafts:
        packed = pack(draft)
        station.journal.admit(packed)
        station.journal.append([packed])
    finish(station)


def test_a_score_that_comes_again_is_told_from_one_that_replaces_it(
    open_station: OpenStation, reader_store: Store, project: str
) -> None:
    score = _score(project)
    changed = replace(score, value=0.25, created_at=datetime.now(UTC))
    _drain(open_station, _scores(project, score, _score(project)))
    _drain(open_station, _scores(project, score), _scores(project, _score(project)))
    _drain(open_station, _scores(project, changed, changed), _scores(project, score))
    # In the last block the old one came last, and it is what the store has already.
    assert ledger_of(reader_store, project) == {
        ("judge", "received", ""): 7,
        ("judge", "accepted", ""): 7,
        ("judge", "stored", ""): 3,
        ("judge", "duplicate", ""): 2,
        ("judge", "duplicate", "correction"): 2,
    }
    _drain(open_station, _scores(project, changed))
    values = reader_store.query(
        "SELECT value FROM scores FINAL WHERE project = {project:String} ORDER BY value",
        {"project": project},
    )
    assert [row["value"] for row in values] == [0.25, 0.5, 0.5]
    (books,) = ledger_balance(reader_store, project)
    assert (books.stored, books.duplicate, books.is_balanced) == (3, 5, True)


def test_the_points_of_a_request_that_was_sent_twice_are_stored_once(
    open_station: OpenStation, reader_store: Store, project: str
) -> None:
    """A row of a device holds several points."""
    now = time.time_ns()
    gpu = GpuReadingRow(
        project=project, gpu_id="g", time=now, power_w=0.1, attributes={"a": "b"}, expires_on=FAR
    )
    engine = EngineReadingRow(
        project=project, name="x", labels_hash=2**63, time=now, kind="gauge", value=0.1,
        expires_on=FAR,
    )  # fmt: skip

    def request(gpus: Sequence[GpuReadingRow], points: int) -> Draft:
        tables: dict[str, Any] = {"gpu_readings": list(gpus), "engine_readings": [engine]}
        return Draft(project, "metrics", Counter(side=points), tables=tables)

    _drain(open_station, request([gpu], 7))
    _drain(open_station, request([gpu], 7))
    _drain(open_station, request([gpu, replace(gpu, gpu_id="h")], 9))  # 2 of its 3 rows
    _drain(open_station, request([replace(gpu, power_w=0.2)], 7))
    assert ledger_of(reader_store, project) == {
        ("side", "received", ""): 30,
        ("side", "accepted", ""): 30,
        ("side", "stored", ""): 10,
        ("side", "duplicate", ""): 7 + 6 + 4,
        ("side", "duplicate", "correction"): 3,
    }


def test_after_a_crash_a_block_says_the_same_of_its_scores(
    open_station: OpenStation, settings: CollectorSettings, reader_store: Store, project: str
) -> None:
    """Killed between the insert of its rows and the checkpoint."""
    score = _score(project)
    _drain(open_station, _scores(project, score))
    place = settings.journal_dir
    assert place is not None
    station = open_station()
    rows = (replace(score, value=0.75), _score(project), score)
    packed = pack(_scores(project, *rows, _score(project)))
    station.journal.append([packed])
    segment = max(place.glob("*/*.segment"))
    kept = [segment, *segment.parent.glob("totals-*.json"), segment.parent / "state.json"]
    contents = {path: path.read_bytes() for path in kept}
    finish(station)
    once = ledger_of(reader_store, project)
    for path, content in contents.items():
        path.write_bytes(content)
    intent = Intent.load(segment.parent, 2)
    assert intent is not None and intent.rows == {"scores": "xsds"}
    finish(open_station())
    assert ledger_of(reader_store, project) == once
    assert once["judge", "stored", ""] == 3
    assert once["judge", "duplicate", "correction"] == 1
    assert once["judge", "duplicate", ""] == 1
