"""OTLP/JSON files."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.collector.importing.conftest import DAY_NS, Tachograph, stored

from tachograph_store.client import Store
from tachograph_store.queries.ledger import ledger_balance


def request(number: int, age_days: int = 0, observer: str = "") -> dict[str, Any]:
    """An export request of one chat span."""
    start = time.time_ns() - age_days * DAY_NS - number
    given = {"gen_ai.operation.name": "chat", "user.id": "ada"}
    if observer:
        given["tachograph.observer"] = observer
    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]
                },
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": f"{number:032x}",
                                "spanId": f"{number:016x}",
                                "name": "chat",
                                "startTimeUnixNano": str(start),
                                "endTimeUnixNano": str(start + 5),
                                "attributes": [
                                    {"key": key, "value": {"stringValue": value}}
                                    for key, value in given.items()
                                ],
                            }
                        ]
                    }
                ],
            }
        ]
    }


@pytest.mark.parametrize("shape", ["lines", "whole"])
def test_old_spans_come_in_as_imported(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str, shape: str
) -> None:
    path = tmp_path / "spans.json"
    requests = [request(1), request(2, age_days=80), request(3, observer="proxy")]
    if shape == "lines":
        path.write_text("\n".join(map(json.dumps, requests)))
    else:
        both = [item for one in requests for item in one["resourceSpans"]]
        path.write_text(json.dumps({"resourceSpans": both}, indent=1))
    done = tachograph("import", path, "--project", project)
    assert done.returncode == 0, done.stderr
    spans = stored(writer_store, project, "spans")
    assert {row["span_id"][-1]: row["observer"] for row in spans} == {
        "1": "import",
        "2": "import",
        "3": "proxy",
    }
    assert all(row["is_counted"] for row in spans)
    (line,) = ledger_balance(writer_store, project)
    assert (line.source, line.stored, line.live) == ("shop", 3, 3)
    assert line.is_balanced


def test_too_old_spans_are_counted_as_rejected(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    path = tmp_path / "spans.json"
    path.write_text("\n".join(map(json.dumps, [request(1), request(2, age_days=91)])))
    done = tachograph("import", path, "--project", project)
    assert done.returncode == 1
    assert "1 spans refused: too_old" in done.stderr
    (line,) = ledger_balance(writer_store, project)
    assert (line.received, line.stored, line.rejected) == (2, 1, 1)
    assert line.reasons == {"rejected:too_old": 1}
    assert line.is_balanced


def test_another_kind_of_file_is_said_to_be_none(
    tachograph: Tachograph, tmp_path: Path, project: str
) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"hello": "world"}')
    done = tachograph("import", path, "--project", project)
    assert done.returncode == 1
    assert "--format" in done.stderr
