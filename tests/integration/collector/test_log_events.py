"""Log records reach the store: messages beside their span, scores by the response that they name."""

import time
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tachograph_store.client import Store
from tachograph_store.queries.traces import trace_scores


def _record(name: str, trace_id: bytes, span_id: bytes, **texts: str) -> LogRecord:
    record = LogRecord(event_name=name, time_unix_nano=time.time_ns())
    record.trace_id, record.span_id = trace_id, span_id
    for key, text in texts.items():
        value = AnyValue(string_value=text)
        record.attributes.append(KeyValue(key=key.replace("__", "."), value=value))
    return record


def _send(api: Any, *records: LogRecord) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.extend(records)
    headers = {"content-type": "application/x-protobuf"}
    body = request.SerializeToString()
    answer = api.client.post("/v1/logs", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert not ExportLogsServiceResponse.FromString(answer.content).HasField("partial_success")
    api.settle()


def test_messages_lie_beside_their_span_and_count_nothing(
    api: Any, harness: Any, reader_store: Store, project: str
) -> None:
    span = harness.chat_span()
    api.export(span)
    event = _record(
        "gen_ai.client.inference.operation.details", span.trace_id, span.span_id,
        gen_ai__operation__name="chat", gen_ai__output__messages="blue",
    )  # fmt: skip
    for _ in range(2):
        _send(api, event)
    rows = reader_store.query(
        "SELECT name, parent_span_id, completion, is_counted FROM spans FINAL "
        "WHERE project = {project:String} AND duration_ns = 0",
        {"project": project},
    )
    name = "gen_ai.client.inference.operation.details"
    assert [tuple(row.values()) for row in rows] == [(name, span.span_id.hex(), "blue", False)]


@pytest.mark.parametrize("score_first", [False, True])
def test_a_score_finds_the_span_by_its_response(
    api: Any, harness: Any, reader_store: Store, project: str, score_first: bool
) -> None:
    span = harness.make_span(
        {"gen_ai.operation.name": "chat", "gen_ai.response.id": f"r-{project}"}
    )
    score = _record(
        "gen_ai.evaluation.result", b"", b"",
        gen_ai__evaluation__name="tone", gen_ai__evaluation__score__label="kind",
        gen_ai__response__id=f"r-{project}",
    )  # fmt: skip
    if score_first:
        _send(api, score)
        api.export(span)
    else:
        api.export(span)
        _send(api, score)
    (found,) = trace_scores(reader_store, project, span.trace_id.hex())
    assert (found.trace_id, found.span_id) == (span.trace_id.hex(), span.span_id.hex())
    assert (found.name, found.label) == ("tone", "kind")
