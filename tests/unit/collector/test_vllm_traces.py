"""vLLM's own spans of requests, recorded by tests/conformance/vllm_server.py, as rows."""

from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.spans import translate_spans
from tachograph_store.rows import SpanRow

BODY = Path(__file__).parents[2] / "fixtures" / "vllm" / "traces.pb"


@pytest.fixture
def rows(limits: Limits) -> list[SpanRow]:
    rejections = Rejections()
    request = ExportTraceServiceRequest.FromString(BODY.read_bytes())
    found = [
        span.row for span in translate_spans(request, "p", Window(1, 2**62), limits, rejections)
    ]
    assert not rejections.total
    return found


def _of(rows: list[SpanRow], request_id: str) -> list[SpanRow]:
    return [row for row in rows if row.request_id == request_id]


def test_every_typed_column(rows: list[SpanRow]) -> None:
    (row,) = _of(rows, "chat")
    sent = ExportTraceServiceRequest.FromString(BODY.read_bytes())
    (span,) = [
        span
        for resource in sent.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if any(a.value.string_value == "chatcmpl-chat" for a in span.attributes)
    ]
    said = {item.key: item.value for item in span.attributes}
    latency = "gen_ai.latency."
    assert (row.observer, row.provider, row.is_counted) == ("engine", "vllm", False)
    assert (row.name, row.kind, row.status_code) == ("llm_request", "SERVER", "UNSET")
    assert row.input_tokens == said["gen_ai.usage.prompt_tokens"].int_value
    assert row.output_tokens == said["gen_ai.usage.completion_tokens"].int_value == 6
    assert row.time_to_first_chunk_s == said[f"{latency}time_to_first_token"].double_value
    assert row.queue_s == said[f"{latency}time_in_queue"].double_value
    assert row.prefill_s == said[f"{latency}time_in_model_prefill"].double_value
    assert row.engine_time_to_first_token_s == row.prefill_s
    assert row.decode_s == said[f"{latency}time_in_model_decode"].double_value
    assert row.duration_ns / 1e9 >= said[f"{latency}e2e"].double_value - 1e-3
    assert row.attributes["gen_ai.request.choice.count"] == "1"
    assert row.response_model is None and row.finish_reasons == ()  # it does not say


@pytest.mark.parametrize(
    ("request_id", "count"),
    [("chat-two-choices", 2), ("text", 1), ("text-two-prompts", 2), ("chat-adapter", 1)],
)
def test_requests_are_joined_by_their_identity(
    rows: list[SpanRow], request_id: str, count: int
) -> None:
    own = _of(rows, request_id)
    assert len(own) == count
    assert len({(row.trace_id, row.parent_span_id) for row in own}) == 1
    assert all(row.parent_span_id for row in own)
