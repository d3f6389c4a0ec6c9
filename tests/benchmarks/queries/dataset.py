"""A store of the benchmark's own under a folder that is kept between runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from backports.zstd import compress
from rich.progress import Progress, TaskID
from tests.benchmarks.queries.generate import (
    fill_readings,
    fill_scores,
    fill_spans,
    merge_past_days,
)

from tachograph_store.client import Store, connect
from tachograph_store.rollup import RollupJob
from tachograph_store.settings import StoreSettings

_READY_DEADLINE_S = 300.0
_MANIFEST = "manifest.json"
_NICENESS = 10
_MERGE_DEADLINE_S = 1_800
_BLOCK_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was generated; `until` is the end of the last day."""

    rows: int
    until_s: int
    generated_in_s: float

    @property
    def until(self) -> datetime:
        """The first instant behind the data."""
        return datetime.fromtimestamp(self.until_s, UTC)


class OwnStore:
    """The store's process; it is started again for cold figures."""

    def __init__(self, home: Path, statement_s: int = 60) -> None:
        self.home = home
        self.settings = StoreSettings(
            url=f"embedded://{home / 'store'}", max_execution_time_s=statement_s
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, niceness: int = 0) -> None:
        """Start it and wait until it answers."""
        with (self.home / "store.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"],
                env={
                    **os.environ,
                    "TACHOGRAPH_HOME": str(self.home),
                    "TACHOGRAPH_STORE_MAX_EXECUTION_TIME_S": str(
                        self.settings.max_execution_time_s
                    ),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        psutil.Process(self._process.pid).nice(niceness)
        deadline = time.monotonic() + _READY_DEADLINE_S
        with connect(self.settings) as store:
            while not store.ping():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the store did not start: see {self.home}/store.log")
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The process that runs the engine."""
        assert self._process is not None, "start the store first"
        return self._process.pid

    def stop(self) -> None:
        """End it as `tachograph up` does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=120)
            self._process = None

    def restart_cold(self) -> None:
        """Start it again with none of its files in the kernel's page cache."""
        self.stop()
        for file in (self.home / "store").rglob("*"):
            if file.is_file():
                descriptor = os.open(file, os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)
        self.start()


@contextmanager
def prepared(folder: Path, rows: int) -> Iterator[tuple[OwnStore, Dataset]]:
    """A running store with `rows` spans under `folder`, generated if it is not there yet."""
    home = folder / str(rows)
    home.mkdir(parents=True, exist_ok=True)
    manifest = home / _MANIFEST
    is_made = manifest.exists()
    if not is_made and (home / "store").exists():
        raise SystemExit(f"{home} holds an unfinished data set: delete it and run again")
    making = OwnStore(home, _MERGE_DEADLINE_S)
    making.start(_NICENESS)
    try:
        if not is_made:
            manifest.write_text(json.dumps(asdict(_generate(making, rows))), encoding="utf-8")
        _settle(making)  # of an older data set too: a newer version migrates it, and adds up more
    finally:
        making.stop()
    own = OwnStore(home)
    own.start()
    try:
        yield own, Dataset(**json.loads(manifest.read_text(encoding="utf-8")))
    finally:
        own.stop()


def _generate(own: OwnStore, rows: int) -> Dataset:
    began = time.monotonic()
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    with connect(own.settings, "writer") as store:
        fill_spans(store, rows, until)
        fill_scores(store, until)
        fill_readings(store, until)
    return Dataset(rows, int(until.timestamp()), round(time.monotonic() - began, 1))


def _settle(own: OwnStore) -> None:
    """Do what a store does by itself when it is left alone."""
    with connect(own.settings, "migrator") as store:
        merge_past_days(store)
    with connect(own.settings, "writer") as store, Progress() as bars:
        tasks: dict[str, TaskID] = {}
        for step in RollupJob(store, settling=timedelta(0)).steps():
            if step.project not in tasks:
                tasks[step.project] = bars.add_task(f"rollups of {step.project}")
            bars.update(
                tasks[step.project],
                completed=step.minutes or step.days,
                total=step.total_minutes or step.total_days,
            )


def zstd_ratio(store: Store) -> float:
    """How far zstd-3 compresses the texts, in blocks of a megabyte as the engine makes them."""
    texts = store.query(
        "SELECT prompt, completion FROM spans WHERE project = 'main' AND is_counted LIMIT 4000"
    )
    prompts, completions = (
        "".join(row[name] for row in texts) for name in ("prompt", "completion")
    )
    blocks = [
        text[start : start + _BLOCK_BYTES].encode()
        for text in (prompts, completions)
        for start in range(0, len(text), _BLOCK_BYTES)
    ]
    packed = sum(len(compress(block, 3)) for block in blocks)
    return round(sum(map(len, blocks)) / packed, 2)


def bytes_a_span(store: Store) -> tuple[float, float]:
    """Bytes on disk for each span: without the search index, and what that index takes."""
    parts = store.query(
        "SELECT path, rows, bytes_on_disk FROM system.parts WHERE table = 'spans' AND active"
    )
    rows = sum(part["rows"] for part in parts)
    index = sum(
        file.stat().st_size
        for part in parts
        for file in Path(part["path"]).glob("skp_idx_searched_index*")
    )
    whole = sum(part["bytes_on_disk"] for part in parts)
    return round((whole - index) / rows, 1), round(index / rows, 1)
