"""Parts of a burst are merged when it is over, by the collector's loop too, and not before."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.bare_rows import bare_span
from tests.fixtures.module_store import module_store
from tests.integration.collector.conftest import wait_for

from tachograph_collector import rollup_loop
from tachograph_collector.rollup_loop import RollupLoop
from tachograph_store.client import Store
from tachograph_store.compaction import merge_what_is_left
from tachograph_store.writer import Writer

# All days are looked at: a store that no other module writes to.
store_server, _, writer_store, migrator_store = module_store()

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def burst(store: Store, project: str, days_ago: int, inserts: int) -> str:
    """Small inserts into one day, as a drain makes them; the name of the day's partition."""
    start = TODAY - timedelta(days=days_ago)
    start_ns = int(start.timestamp()) * 10**9
    for _ in range(inserts):
        Writer(store).write_spans([replace(bare_span(project), start_time=start_ns)])
    return start.strftime("%Y%m%d")


def parts_and_rows(store: Store, day: str) -> tuple[int, int]:
    (row,) = store.query(
        "SELECT count() AS parts, sum(rows) AS rows FROM system.parts "
        "WHERE database = currentDatabase() AND table = 'spans' AND active "
        "AND partition_id = {day:String}",
        {"day": day},
    )
    return int(row["parts"]), int(row["rows"])


def never() -> bool:
    return False


def test_what_a_burst_left_is_one_part_once_it_is_over(writer_store: Store, project: str) -> None:
    day = burst(writer_store, project, 1, inserts=6)
    other = burst(writer_store, project, 5, inserts=4)
    few = burst(writer_store, project, 2, inserts=2)
    assert merge_what_is_left(writer_store, never, quiet_s=100_000) == 0
    assert merge_what_is_left(writer_store, lambda: True, quiet_s=0) == 0
    assert parts_and_rows(writer_store, day) == (6, 6)
    assert merge_what_is_left(writer_store, never, quiet_s=0) == 2
    assert parts_and_rows(writer_store, day) == (1, 6)
    assert parts_and_rows(writer_store, other) == (1, 4)
    assert parts_and_rows(writer_store, few) == (2, 2)
    assert merge_what_is_left(writer_store, never, quiet_s=0) == 0


def test_the_large_part_of_the_day_is_not_written_again(
    writer_store: Store, migrator_store: Store, project: str
) -> None:
    day = burst(writer_store, project, 3, inserts=0)
    start_ns = int((TODAY - timedelta(days=3)).timestamp()) * 10**9
    # 8 MB that no codec makes smaller: more than the engine rewrites for the sake of four small parts.
    large = [
        replace(bare_span(project), start_time=start_ns, prompt=secrets.token_hex(400))
        for _ in range(20_000)
    ]
    Writer(writer_store).write_spans(large)
    migrator_store.command(f"OPTIMIZE TABLE spans PARTITION ID '{day}' FINAL")
    before = parts_and_rows(writer_store, day)
    assert before == (1, len(large))
    burst(writer_store, project, 3, inserts=4)
    assert merge_what_is_left(writer_store, never, quiet_s=0) == 1
    assert parts_and_rows(writer_store, day) == (2, len(large) + 4)


def test_the_loop_of_the_collector_does_it(
    writer_store: Store, project: str, tmp_path: Path
) -> None:
    day = burst(writer_store, project, 4, inserts=5)
    loop = RollupLoop(writer_store, tmp_path / "rollups.lock", pause_s=0.5, quiet_s=0)
    loop.start()
    wait_for(lambda: parts_and_rows(writer_store, day) == (1, 5), "one part", 120)
    assert loop.stop(60)
    assert loop.problem is None


def test_a_store_that_does_not_merge_is_no_problem_of_the_rollups(
    writer_store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[bool] = []

    def refused(store: Store, is_stopped: Callable[[], bool], _: int) -> None:
        asked.append(is_stopped())
        store.command("OPTIMIZE TABLE spans FINAL")  # the real store: the writer may not

    monkeypatch.setattr(rollup_loop, "merge_what_is_left", refused)
    loop = RollupLoop(writer_store, tmp_path / "rollups.lock", pause_s=0.1)
    loop.start()
    wait_for(lambda: len(asked) >= 3, "three turns", 120)
    assert loop.stop(60)
    assert loop.problem is None
    assert caplog.text.count("parts of past bursts stay unmerged") == 1
