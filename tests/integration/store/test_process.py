"""One process owns a directory; killed at any moment it loses nothing it acknowledged."""

import json
import os
import signal
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tachograph_store.client import connect
from tachograph_store.embedded.sandbox import landlock_version
from tachograph_store.errors import StoreUnavailable
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer


def span(number: int) -> SpanRow:
    return SpanRow(
        project="killed",
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=1_790_000_000_000_000_000,
        duration_ns=1,
        name="chat",
        prompt="words " * 100,
        content_hash=number,
        expires_on=date(2099, 1, 1),
        content_expires_on=date(2099, 1, 1),
    )


def test_a_second_process_is_told_who_has_the_directory(own_store: Any) -> None:
    first = own_store.start().process
    second = own_store.launch()
    assert second.wait(timeout=120) == 1
    assert f"in use by the process {first.pid}" in own_store.log.read_text()
    assert first.poll() is None
    own_store.process = first


def test_stopping_is_clean(own_store: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        own_store.start()
        assert own_store.end(number) == 0
        assert not (own_store.home / "store" / "endpoint.json").exists()
    with connect(own_store.settings) as store:
        assert not store.ping()
        with pytest.raises(StoreUnavailable, match="tachograph store"):
            store.query("SELECT 1")


def test_nothing_is_for_other_users(own_store: Any) -> None:
    own_store.start()
    store = own_store.home / "store"
    assert store.stat().st_mode & 0o777 == 0o700
    for name in ("migrator", "writer", "reader"):
        path = store / "credentials" / f"{name}.json"
        assert path.stat().st_mode & 0o777 == 0o600
        password = json.loads(path.read_text())["password"]
        assert len(password) >= 43
        process = Path(f"/proc/{own_store.process.pid}")
        for place in ("cmdline", "environ"):
            assert password.encode() not in (process / place).read_bytes()
        assert password not in own_store.log.read_text()


@pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
def test_the_sandbox_is_up(own_store: Any) -> None:
    own_store.start()
    assert "Landlock" not in own_store.log.read_text()
    status = Path(f"/proc/{own_store.process.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status


def test_a_lock_left_behind_and_staged_files_do_not_matter(own_store: Any) -> None:
    own_store.start()
    own_store.end(signal.SIGKILL)
    store = own_store.home / "store"
    assert (store / "lock").exists()
    assert (store / "endpoint.json").exists()
    (store / "tmp" / "tmpleft.native").write_text("a prompt")
    (store / "tmp" / "folder").mkdir()
    own_store.start()
    assert os.listdir(store / "tmp") == []


def test_a_client_follows_the_engine_to_another_port(own_store: Any) -> None:
    own_store.start()
    with connect(own_store.settings, "writer") as store:
        writer = Writer(store)
        assert writer.write_spans([span(1)]).stored == 1
        own_store.end(signal.SIGKILL)
        with pytest.raises(StoreUnavailable):
            writer.write_spans([span(2)])
        own_store.start()
        result = writer.write_spans([span(1), span(2)])
        assert (result.stored, result.duplicates) == (1, 1)


@pytest.mark.timeout(900)
def test_kill_9_loses_no_acknowledged_batch(own_store: Any) -> None:
    acknowledged: list[int] = []
    batch_rows = 50
    for round_number in range(3):
        own_store.start()
        enough = threading.Event()

        def write(first: int, enough: threading.Event) -> None:
            with connect(own_store.settings, "writer") as store:
                writer = Writer(store)
                number = first
                while True:
                    rows = [span(number * batch_rows + i) for i in range(batch_rows)]
                    try:
                        writer.write_spans(rows)
                    except StoreUnavailable:
                        return
                    acknowledged.append(number)
                    number += 1
                    if number - first >= 5:
                        enough.set()

        threads = [
            threading.Thread(target=write, args=(round_number * 100_000 + lane * 10_000, enough))
            for lane in range(3)
        ]
        for thread in threads:
            thread.start()
        assert enough.wait(180)
        own_store.end(signal.SIGKILL)
        for thread in threads:
            thread.join(180)
    own_store.start()
    with connect(own_store.settings, "reader") as store:
        found = store.query(
            "SELECT intDiv(content_hash, {batch:UInt64}) AS number, count() AS rows "
            "FROM spans WHERE project = 'killed' GROUP BY number",
            {"batch": batch_rows},
        )
    counts = {row["number"]: row["rows"] for row in found}
    assert len(acknowledged) >= 15
    assert [number for number in acknowledged if counts.get(number) != batch_rows] == []
    # A batch that was stored but not acknowledged is whole as well.
    assert set(counts.values()) == {batch_rows}


def test_ready_means_migrated(own_store: Any) -> None:
    own_store.launch()
    deadline = time.monotonic() + 180
    path = own_store.home / "store" / "endpoint.json"
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    with connect(own_store.settings) as store:
        assert store.query("EXISTS TABLE api_keys") == [{"result": 1}]
