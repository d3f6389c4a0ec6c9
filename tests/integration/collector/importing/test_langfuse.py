"""Exports of Langfuse in their several shapes."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.integration.collector.importing.conftest import Tachograph, stored

from tachograph_store.client import Store
from tachograph_store.queries.ledger import ledger_balance

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def trace() -> dict[str, Any]:
    return {
        "id": TRACE,
        "timestamp": at(0),
        "name": "support",
        "userId": "ada",
        "sessionId": "s-1",
        "input": {"question": "why?"},
        "output": "because",
        "tags": ["beta"],
        "latency": 2.5,
    }


def generation(**fields: Any) -> dict[str, Any]:
    return {
        "id": "00f067aa0ba902b7",
        "traceId": TRACE,
        "type": "GENERATION",
        "name": "answer",
        "startTime": at(0.5),
        "completionStartTime": at(0.75),
        "endTime": at(2.5),
        "model": "gpt-4o-mini",
        "modelParameters": {"temperature": 0.2},
        "input": [{"role": "user", "content": "why?"}],
        "output": {"role": "assistant", "content": "because"},
        "usageDetails": {"input": 80, "input_cached_tokens": 20, "output": 50, "total": 150},
        "costDetails": {"input": 0.00001, "output": 0.00003, "total": 0.00004},
        "parentObservationId": "a1b2c3d4-0000-4000-8000-000000000001",
        "level": "DEFAULT",
        **fields,
    }


def step() -> dict[str, Any]:
    return {
        "id": "a1b2c3d4-0000-4000-8000-000000000001",
        "traceId": TRACE,
        "type": "SPAN",
        "name": "step",
        "startTime": at(0.1),
        "endTime": at(2.6),
        "level": "ERROR",
        "statusMessage": "slow",
    }


def score() -> dict[str, Any]:
    return {
        "id": "score-1",
        "traceId": TRACE,
        "observationId": "00f067aa0ba902b7",
        "timestamp": at(5),
        "name": "helpful",
        "value": 1,
        "dataType": "BOOLEAN",
        "source": "ANNOTATION",
        "comment": "good",
        "authorUserId": "rev-1",
    }


def snake(record: dict[str, Any]) -> dict[str, Any]:
    def name(key: str) -> str:
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)

    def value(item: Any) -> Any:
        return json.dumps(item) if isinstance(item, dict) and "role" in item else item

    renamed = {name(key): value(item) for key, item in record.items()}
    renamed["provided_model_name"] = renamed.pop("model", None)
    return renamed


def write(path: Path, shape: str) -> Path:
    records = [generation(), step(), trace(), score()]
    if shape == "array":
        path = path / "export.json"
        path.write_text(json.dumps(records, indent=2))
    elif shape == "lines":
        path = path / "export.jsonl"
        path.write_text("\n".join(map(json.dumps, records)))
    elif shape == "api":
        path = path / "page.json"
        whole = {**trace(), "observations": [generation(), step()], "scores": [score()]}
        path.write_text(json.dumps({"data": [whole], "meta": {"page": 1}}))
    else:
        for number, record in enumerate(records):
            file = path / f"{number}" / "2026.jsonl.gz"
            file.parent.mkdir()
            with gzip.open(file, "wt") as out:
                out.write(json.dumps(snake(record)) + "\n")
    return path


@pytest.mark.parametrize("shape", ["array", "lines", "api", "blob"])
def test_every_shape_gives_the_same_spans(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str, shape: str
) -> None:
    done = tachograph("import", write(tmp_path, shape), "--project", project)
    assert done.returncode == 0, done.stderr
    spans = {row["name"]: row for row in stored(writer_store, project, "spans")}
    assert sorted(spans) == ["answer", "step", "support"]
    root, middle, leaf = spans["support"], spans["step"], spans["answer"]
    assert {row["trace_id"] for row in spans.values()} == {TRACE}
    assert middle["parent_span_id"] == root["span_id"]
    assert leaf["parent_span_id"] == middle["span_id"]
    assert leaf["span_id"] == "00f067aa0ba902b7"
    assert {row["observer"] for row in spans.values()} == {"import"}
    assert [row["is_counted"] for row in (root, middle, leaf)] == [False, False, True]
    assert (leaf["operation"], leaf["request_model"]) == ("chat", "gpt-4o-mini")
    assert (leaf["input_tokens"], leaf["cache_read_tokens"]) == (100, 20)
    assert (leaf["output_tokens"], leaf["reported_cost"]) == (50, Decimal("0.00004"))
    assert leaf["list_cost"] is not None and leaf["cost_currency"] == "USD"
    assert leaf["duration_ns"] == 2_000_000_000
    assert leaf["time_to_first_chunk_s"] == 0.25
    assert {row["user"] for row in spans.values()} == {"ada"}
    assert {row["session"] for row in spans.values()} == {"s-1"}
    assert (middle["status_code"], middle["status_message"]) == ("ERROR", "slow")
    assert "because" in leaf["completion"] and "why?" in leaf["prompt"]
    (judged,) = stored(writer_store, project, "scores")
    assert judged["span_id"] == leaf["span_id"]
    assert (judged["name"], judged["value"], judged["source"]) == ("helpful", 1.0, "human")
    lines = ledger_balance(writer_store, project)
    assert {line.source for line in lines} == {"langfuse"}
    assert all(line.is_balanced for line in lines)


def test_twice_is_once(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    path = write(tmp_path, "lines")
    tachograph("import", path, "--project", project)
    before = [stored(writer_store, project, table) for table in ("spans", "scores")]
    done = tachograph("import", path, "--project", project)
    assert done.returncode == 0
    assert "3 spans duplicate" in done.stdout
    assert [stored(writer_store, project, table) for table in ("spans", "scores")] == before


def test_what_cannot_be_taken_is_said_and_the_rest_is_stored(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    old = generation(id="1111111111111111", startTime="2020-01-01T00:00:00Z", endTime=None)
    backwards = generation(id="2222222222222222", endTime=at(-100))
    path = tmp_path / "export.jsonl"
    records = [generation(), old, backwards, {"what": "is this"}, 5, generation(id=None)]
    path.write_text("\n".join(map(json.dumps, records)))
    done = tachograph("import", path, "--project", project)
    assert done.returncode == 1
    for said in ("1 spans refused: too_old", "1 spans refused: bad_time", "2 spans refused: unsup"):
        assert said in done.stderr, done.stderr
    assert [row["span_id"] for row in stored(writer_store, project, "spans")] == [
        "00f067aa0ba902b7"
    ]


def test_a_file_that_breaks_off_gives_what_it_has(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(json.dumps(generation()) + "\n" + json.dumps(step())[:40])
    done = tachograph("import", path, "--project", project)
    assert done.returncode == 1
    assert "the rest of the file was not read" in done.stderr
    assert len(stored(writer_store, project, "spans")) == 1
