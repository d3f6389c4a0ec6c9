"""An import that is killed in its middle and run again stores each row once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.store_process import running_store
from tests.integration.collector.importing.conftest import run_tachograph

from tachograph_store.client import Store, connect
from tachograph_store.queries.ledger import ledger_balance

RECORDS = 12_000


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[tuple[Path, Store]]:
    """A home whose journals nobody else drains."""
    with running_store(tmp_path) as settings, connect(settings, "writer") as store:
        yield tmp_path, store


def write_file(path: Path) -> Path:
    begin = datetime.now(UTC) - timedelta(days=3)
    with path.open("w") as file:
        for number in range(RECORDS):
            start = begin + timedelta(seconds=number)
            record = {
                "id": f"{number + 1:016x}",
                "traceId": f"{number // 4 + 1:032x}",
                "type": "GENERATION",
                "name": "answer",
                "startTime": start.isoformat(),
                "endTime": (start + timedelta(seconds=1)).isoformat(),
                "model": "gpt-4o-mini",
                "input": f"question {number}",
                "output": f"answer {number}",
                "usageDetails": {"input": 3, "output": 2},
            }
            file.write(json.dumps(record) + "\n")
    return path


def count(store: Store) -> int:
    """Rows as they lie there, not as `FINAL` shows them."""
    return int(store.query("SELECT count() AS rows FROM spans WHERE project = 'p'")[0]["rows"])


@pytest.mark.timeout(900)
def test_each_row_is_stored_once(own_home: tuple[Path, Store], tmp_path: Path) -> None:
    home, store = own_home
    path = write_file(tmp_path / "export.jsonl")
    stored = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "tachograph_cli", "import", str(path), "--project", "p"],
            env={**os.environ, "TACHOGRAPH_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 180
        while count(store) == stored and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait(timeout=120)
        stored = count(store)
    done = run_tachograph("import", path, "--project", "p", home=home)
    assert done.returncode == 0, done.stderr
    assert count(store) == RECORDS
    again = run_tachograph("import", path, "--project", "p", home=home)
    assert f"{RECORDS:,} spans duplicate" in again.stdout
    assert count(store) == RECORDS
    (line,) = ledger_balance(store, "p")
    assert (line.source, line.stored, line.live) == ("langfuse", RECORDS, RECORDS)
    assert line.is_balanced


@pytest.mark.lesson(9)
def test_a_store_that_is_away_is_no_success(tmp_path: Path) -> None:
    """It ends with an error, and what it read is kept for the next run."""
    path = write_file(tmp_path / "export.jsonl")
    done = run_tachograph("import", path, "--project", "p", home=tmp_path)
    assert done.returncode == 1
    assert "is not running" in done.stderr
