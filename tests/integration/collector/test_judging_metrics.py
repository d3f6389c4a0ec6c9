"""`/metrics` says how far judging is behind, over all projects and without naming one."""

import time
from datetime import UTC, date, datetime, timedelta

import httpx

from tachograph_store.client import Store
from tachograph_store.rows import JobRow
from tachograph_store.writer import Writer

DEADLINE_S = 180.0
BEGAN = datetime.now(UTC) - timedelta(hours=2)


def _job(project: str, kind: str, state: str, **fields: object) -> JobRow:
    known = {
        "trace_id": "7" * 32,
        "span_id": "7" * 16,
        "evaluator": state,
        "evaluator_version": "1",
        "due_at": BEGAN,
        "created_at": BEGAN,
        "expires_on": date(2099, 1, 1),
    }
    return JobRow(project=project, kind=kind, state=state, **(known | fields))  # type: ignore[arg-type]


def _gauges(url: str) -> dict[str, float]:
    lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
    pairs = [line.split(" ") for line in lines if line.startswith("tachograph_evaluation_")]
    return {name.removeprefix("tachograph_evaluation_"): float(value) for name, value in pairs}


def test_lag_and_backlog_are_gauges(
    api: object, collector_url: str, writer_store: Store, project: str
) -> None:
    sampling = f'{{"factor": 0.125, "drain_s": 1200, "at": {time.time() + 30}}}'
    Writer(writer_store).write(
        "jobs",
        [
            _job(project, "evaluation", "leased"),
            _job(project, "evaluation", "running"),
            _job(project, "evaluation", "parked"),
            _job(project, "evaluation", "skipped"),
            _job(project, "cursor", "done", evaluator="sampling", cursor=sampling),
        ],
    )
    limit = time.monotonic() + DEADLINE_S
    while not (found := _gauges(collector_url)) or found["lag_seconds"] < 7200:
        assert time.monotonic() < limit, found
        time.sleep(0.2)
    assert set(found) == {
        "lag_seconds", "undecided_answers", "open", "parked", "sampling_factor"
    }  # fmt: skip
    assert found["open"] >= 2
    assert found["parked"] >= 1
    assert found["sampling_factor"] <= 0.125
    assert project not in httpx.get(f"{collector_url}/metrics", timeout=60).text
