"""GPU and engine readings reach their tables; a sender's own losses reach the books once."""

import time
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from tachograph_store.client import Store

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE


def _attributes(**values: str) -> list[KeyValue]:
    return [
        KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=value))
        for key, value in values.items()
    ]


def _request(instance: str, *metrics: Metric) -> bytes:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.extend(
        _attributes(service__name="sidecar", service__instance__id=instance, host__name="gpu-1")
    )
    resource_metrics.scope_metrics.add().metrics.extend(metrics)
    body: bytes = request.SerializeToString()
    return body


def _send(api: Any, body: bytes) -> ExportMetricsServiceResponse:
    headers = {"content-type": "application/x-protobuf"}
    answer = api.client.post("/v1/metrics", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    api.settle()
    return ExportMetricsServiceResponse.FromString(answer.content)


def _gauge(name: str, time_ns: int, value: float, **attributes: str) -> Metric:
    point = NumberDataPoint(
        time_unix_nano=time_ns, as_double=value, attributes=_attributes(**attributes)
    )
    return Metric(name=name, gauge=Gauge(data_points=[point]))


def test_points_of_one_device_and_instant_are_one_row(
    api: Any, reader_store: Store, project: str
) -> None:
    now = time.time_ns()
    gpu = {"hw__id": "GPU-1", "gpu__index": "0", "hw__model": "H100", "hw__type": "gpu"}
    body = _request(
        "s1",
        _gauge("hw.power", now, 310.5, **gpu),
        _gauge("hw.gpu.memory.usage", now, 1024.0, **gpu),
        _gauge("hw.power", now, 120.0, **{**gpu, "hw__id": "GPU-2"}),
        _gauge("hw.power", now, 1.0),
        _gauge("hw.power", now, float("nan"), **gpu),
        _gauge("unknown.metric", now, 1.0),
        _gauge("hw.power", 1, 1.0, **gpu),
    )
    answer = _send(api, body)
    assert answer.partial_success.rejected_data_points == 4
    message = answer.partial_success.error_message
    assert "2 rejected as bad_value" in message
    assert "1 rejected as unsupported" in message
    assert "1 rejected as too_old" in message
    rows = reader_store.query(
        "SELECT gpu_id, power_w, memory_used_bytes, gpu_index, gpu_model, host, energy_j "
        "FROM gpu_readings FINAL WHERE project = {project:String} ORDER BY gpu_id",
        {"project": project},
    )
    assert [tuple(row.values()) for row in rows] == [
        ("GPU-1", 310.5, 1024, 0, "H100", "gpu-1", None),
        ("GPU-2", 120.0, None, 0, "H100", "gpu-1", None),
    ]


def test_engine_metrics_keep_their_names_and_histograms_their_buckets(
    api: Any, reader_store: Store, project: str
) -> None:
    now = time.time_ns()
    total = Sum(
        data_points=[NumberDataPoint(time_unix_nano=now, as_int=7)],
        is_monotonic=True,
        aggregation_temporality=CUMULATIVE,
    )
    histogram = Histogram(
        data_points=[
            HistogramDataPoint(
                time_unix_nano=now,
                count=6,
                sum=3.5,
                bucket_counts=[1, 2, 3],
                explicit_bounds=[0.5, 10],
                attributes=_attributes(model_name="m"),
            )
        ]
    )
    body = _request(
        "s1",
        _gauge("vllm:num_requests_running", now, 3.0, model_name="m"),
        Metric(name="vllm:prompt_tokens_total", unit="1", sum=total),
        Metric(name="vllm:e2e_request_latency_seconds", histogram=histogram),
    )
    for _ in range(2):
        assert not _send(api, body).HasField("partial_success")
    rows = reader_store.query(
        "SELECT name, kind, value, labels, instance FROM engine_readings FINAL "
        "WHERE project = {project:String} ORDER BY name, value",
        {"project": project},
    )
    name = "vllm:e2e_request_latency_seconds"
    assert [tuple(row.values()) for row in rows] == [
        (f"{name}_bucket", "counter", 1.0, {"model_name": "m", "le": "0.5"}, "s1"),
        (f"{name}_bucket", "counter", 3.0, {"model_name": "m", "le": "10"}, "s1"),
        (f"{name}_bucket", "counter", 6.0, {"model_name": "m", "le": "+Inf"}, "s1"),
        (f"{name}_count", "counter", 6.0, {"model_name": "m"}, "s1"),
        (f"{name}_sum", "counter", 3.5, {"model_name": "m"}, "s1"),
        ("vllm:num_requests_running", "gauge", 3.0, {"model_name": "m"}, "s1"),
        ("vllm:prompt_tokens_total", "counter", 7.0, {}, "s1"),
    ]


def _losses(instance: str, started: int, now: int, count: int) -> bytes:
    point = NumberDataPoint(
        start_time_unix_nano=started,
        time_unix_nano=now,
        as_int=count,
        attributes=_attributes(tachograph__signal="spans", error__type="queue_full"),
    )
    total = Sum(data_points=[point], is_monotonic=True, aggregation_temporality=CUMULATIVE)
    return _request(instance, Metric(name="tachograph.client.dropped", sum=total))


def test_what_a_sender_dropped_is_counted_once(api: Any) -> None:
    now = time.time_ns()
    started = now - 60 * 10**9
    for instance, count in (("a", 2), ("a", 5), ("a", 5), ("b", 10)):
        assert not _send(api, _losses(instance, started, now, count)).HasField("partial_success")
    _send(api, _losses("a", started, now - 10**9, 2))  # an older export that arrives late
    entries = api.client.get("/api/v1/ledger").json()["entries"]
    dropped = [e for e in entries if e["outcome"] == "dropped"]
    assert [(e["source"], e["signal"], e["reason"], e["count"]) for e in dropped] == [
        ("sidecar", "spans", "queue_full", 15)
    ]
