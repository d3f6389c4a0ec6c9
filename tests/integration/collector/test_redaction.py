"""With redaction on, nothing that was found is in any file: journal, quarantine, store or log."""

import json
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.fixtures.disk_search import files_with

from tachograph_store.client import Store, connect
from tachograph_store.settings import StoreSettings

REFUSAL = "MATERIALIZED throwIf(name = 'unwanted', 'this row is not wanted')"


class Values:
    """Personal data that no other test has, and how it may be written."""

    def __init__(self) -> None:
        self.name = f"zq{secrets.token_hex(4)}"
        self.email = f"{self.name}@mail.example"
        self.key = f"tg_{secrets.token_hex(12)}"

    @property
    def needles(self) -> tuple[str, ...]:
        return (self.name, self.key)


def _span(harness: Any, values: Values, name: str) -> Span:
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "to\n@"}]}])
    span: Span = harness.make_span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": said.replace("@", values.email.replace("@", "\\u0040")),
            "gen_ai.output.messages": said.replace("@", values.key),
            "user.id": values.email,
            "some.attribute": f"cc {values.email}",
            "nested": json.dumps({"list": [values.email]}),
            f"key.of.{values.email}": "x",
        },
        name=name,
        status=Status(code=Status.STATUS_CODE_ERROR, message=f"no mailbox {values.email}"),
    )
    event = span.events.add(name="exception", time_unix_nano=span.start_time_unix_nano)
    event.attributes.append(
        KeyValue(key="exception.message", value=AnyValue(string_value=values.email))
    )
    return span


def _logs(values: Values, span: Span) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for name, attributes in (
        (
            "gen_ai.evaluation.result",
            {
                "gen_ai.evaluation.name": "tone",
                "gen_ai.evaluation.score.label": "bad",
                "gen_ai.evaluation.explanation": f"rude to {values.email}",
            },
        ),
        ("gen_ai.user.message", {"content": f"mail {values.email}"}),
    ):
        record = LogRecord(
            event_name=name,
            trace_id=span.trace_id,
            span_id=span.span_id,
            time_unix_nano=time.time_ns(),
            body=AnyValue(string_value=f"about {values.email}"),
        )
        for key, value in attributes.items():
            record.attributes.append(KeyValue(key=key, value=AnyValue(string_value=value)))
        scope.log_records.append(record)
    return request.SerializeToString()


def _send(url: str, key: str, path: str, body: bytes) -> None:
    headers = {"content-type": "application/x-protobuf", "authorization": f"Bearer {key}"}
    answer = httpx.post(f"{url}{path}", content=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


def _copy_files(directory: Path, target: Path) -> None:
    """Those that are not replaced or drained in this moment."""
    for path in directory.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(directory)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(path, copy)


def test_nothing_unredacted_reaches_any_file(
    store_server: StoreSettings,
    project: str,
    make_key: Callable[..., str],
    collector_with: Callable[..., str],
    reader_store: Store,
    harness: Any,
    tmp_path: Path,
) -> None:
    home = store_server.directory.parent
    hidden, shown = Values(), Values()
    other = f"{project}-other"
    journal = tmp_path / "journal"
    url = collector_with(
        TACHOGRAPH_COLLECTOR_REDACT=json.dumps({project: ["pii", "secret"]}),
        TACHOGRAPH_COLLECTOR_REDACT_KEY="0123456789abcdef",
        TACHOGRAPH_COLLECTOR_JOURNAL_DIR=str(journal),
        TACHOGRAPH_COLLECTOR_REFUSAL_PATIENCE_S="0.2",
    )
    keys = {hidden: make_key(project), shown: make_key(other)}
    with connect(store_server, "migrator") as store:
        store.command(f"ALTER TABLE spans ADD COLUMN refusal UInt8 {REFUSAL}")
        try:
            for values, key in keys.items():
                span = _span(harness, values, "chat")
                _send(url, key, "/v1/traces", harness.trace_body(span))
                _send(url, key, "/v1/logs", _logs(values, span))
                unwanted = _span(harness, values, "unwanted")
                _send(url, key, "/v1/traces", harness.trace_body(unwanted))
                _copy_files(journal, tmp_path / "copies" / values.name)  # before it is drained
            with httpx.Client(base_url=url, timeout=60) as client:
                harness.wait_for(lambda: harness.waiting(client) == 0, "an empty journal")
        finally:
            store.command("ALTER TABLE spans DROP COLUMN refusal")

    assert list(journal.rglob("*.jsonl")), "a row was refused and is in quarantine"
    for directory in (home, tmp_path):
        found = files_with(directory, *hidden.needles, *shown.needles)
        assert [found[needle] for needle in hidden.needles] == [set(), set()]
    assert files_with(tmp_path, shown.email)[shown.email], "the search finds what is there"

    sql = "SELECT * FROM spans WHERE project = {project:String} AND name = 'chat'"
    [row] = reader_store.query(sql, {"project": project})
    mark = row["user"]
    assert mark.startswith("<EMAIL:") and mark.endswith(">")
    assert json.loads(row["prompt"])[0]["parts"][0]["content"] == f"to\n{mark}"
    assert "<API_KEY:" in row["completion"]
    assert row["status_message"] == f"no mailbox {mark}"
    assert json.loads(row["attributes"]["nested"]) == {"list": [mark]}
    [row] = reader_store.query(sql, {"project": other})
    assert row["user"] == shown.email
