"""Exports over gRPC: the real exporters, all signals, and the same answers as over HTTP."""

import gzip
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def _sdk_spans(count: int) -> list[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("agent"):
        for number in range(count - 1):
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": f"m{number}"}
            tracer.start_span("chat", attributes=attributes).end()
    provider.shutdown()
    return list(memory.get_finished_spans())


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_the_real_exporter_is_served(
    api: Any, make_key: Any, project: str, grpc_caller: Any, compression: grpc.Compression
) -> None:
    key = make_key(project, "ingest")
    exporter: SpanExporter = OTLPSpanExporter(
        endpoint=grpc_caller(None).address,
        insecure=True,
        headers={"authorization": f"Bearer {key}"},
        compression=compression,
    )
    spans = _sdk_spans(50)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    exporter.shutdown()
    api.settle()
    context = spans[0].get_span_context()
    assert context is not None
    trace_id = f"{context.trace_id:032x}"
    stored = api.client.get(f"/api/v1/traces/{trace_id}").json()["spans"]
    assert len(stored) == 50
    assert {span["request_model"] for span in stored} >= {"m0", "m48"}


def test_a_refusal_that_passes_makes_the_real_exporter_come_again(
    collector_with: Callable[..., str], grpc_caller: Any, make_key: Any, project: str, api: Any
) -> None:
    url = collector_with(
        TACHOGRAPH_COLLECTOR_MAX_BODY_BYTES="100000",
        TACHOGRAPH_COLLECTOR_MAX_IN_FLIGHT_BYTES="100000",
        TACHOGRAPH_COLLECTOR_RETRY_AFTER_S="1",
    )
    key = make_key(project)
    caller = grpc_caller(key, url)
    is_full, may_end = threading.Event(), threading.Event()

    def slow_upload() -> Any:
        yield b"\x0a"
        is_full.set()
        may_end.wait(180)
        yield bytes(99_999)

    upload = threading.Thread(
        target=lambda: httpx.post(
            f"{url}/v1/traces",
            content=slow_upload(),
            headers={
                "content-type": "application/x-protobuf",
                "content-length": "100000",
                "authorization": f"Bearer {key}",
            },
            timeout=180,
        )
    )
    upload.start()
    assert is_full.wait(60)
    deadline = time.monotonic() + 120
    while httpx.get(f"{url}/healthz", timeout=60).json()["in_flight_bytes"] == 0:
        assert time.monotonic() < deadline
    refusal = caller.refusal(b"\x0a\x00")
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.retry_after_s == 1
    assert "MAX_IN_FLIGHT_BYTES" in refusal.message

    exporter = OTLPSpanExporter(
        endpoint=caller.address,
        insecure=True,
        headers={"authorization": f"Bearer {key}"},
        timeout=120,
    )
    spans = _sdk_spans(3)
    results: list[SpanExportResult] = []
    export = threading.Thread(target=lambda: results.append(exporter.export(spans)))
    export.start()

    def refused() -> int:
        lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        start = (
            f'tachograph_collector_grpc_calls_total{{service="{name}",code="RESOURCE_EXHAUSTED"}} '
        )
        return sum(int(line.removeprefix(start)) for line in lines if line.startswith(start))

    while refused() < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    may_end.set()
    upload.join()
    export.join()
    exporter.shutdown()
    assert results == [SpanExportResult.SUCCESS]


@pytest.mark.lesson(12)
def test_partial_success_counts_and_names_what_was_rejected(
    api: Any, grpc_caller: Any, make_key: Any, project: str, harness: Any
) -> None:
    caller = grpc_caller(make_key(project))
    good = harness.chat_span()
    of_1970 = harness.make_span(start_time_unix_nano=1, end_time_unix_nano=2)
    answer = caller.export(harness.trace_request(good, of_1970))
    assert answer.partial_success.rejected_spans == 1
    assert "1 rejected as too_old" in answer.partial_success.error_message
    assert not caller.export(harness.trace_request(good)).HasField("partial_success")
    api.settle()
    assert len(api.client.get(f"/api/v1/traces/{good.trace_id.hex()}").json()["spans"]) == 1


def test_metrics_and_logs_have_services_of_their_own(
    grpc_caller: Any, make_key: Any, project: str
) -> None:
    caller = grpc_caller(make_key(project))
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="other.metric")
    metric.gauge.data_points.add(as_int=1, time_unix_nano=time.time_ns())
    answer = caller.send(metrics.SerializeToString(), service="metrics.v1.MetricsService")
    metrics_answer = ExportMetricsServiceResponse.FromString(answer)
    assert metrics_answer.partial_success.rejected_data_points == 1
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(event_name="other")
    answer = caller.send(logs.SerializeToString(), service="logs.v1.LogsService")
    logs_answer = ExportLogsServiceResponse.FromString(answer)
    assert logs_answer.partial_success.rejected_log_records == 1


def test_a_message_that_the_sender_gzipped_itself_is_read_too(
    api: Any, grpc_caller: Any, make_key: Any, project: str, harness: Any
) -> None:
    span = harness.chat_span()
    body = harness.trace_body(span)
    assert grpc_caller(make_key(project)).send(gzip.compress(body)) == b""
    api.settle()
    assert api.client.get(f"/api/v1/traces/{span.trace_id.hex()}").status_code == 200


def test_a_caller_who_goes_away_leaves_nothing_behind(
    collector_url: str, grpc_caller: Any, make_key: Any, project: str, harness: Any
) -> None:
    caller = grpc_caller(make_key(project))
    body = harness.trace_body(*(harness.chat_span() for _ in range(500)))
    export = caller.channel.stream_unary(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    )
    for number in range(20):
        call = export.future(iter([body]), metadata=caller.metadata)
        if number % 2:
            call.cancel()
        else:
            with pytest.raises((grpc.FutureTimeoutError, grpc.RpcError)):
                call.result(timeout=0.002)
            call.cancel()
    harness.wait_for(
        lambda: httpx.get(f"{collector_url}/healthz", timeout=60).json()["in_flight_bytes"] == 0,
        "no bytes in flight",
    )
    assert caller.send(harness.trace_body(harness.chat_span())) == b""
