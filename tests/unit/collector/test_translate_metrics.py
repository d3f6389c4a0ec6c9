"""Every dialect's metrics find a table; what a GPU column does not mean is kept elsewhere."""

import math
from collections.abc import Callable, Mapping

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Summary,
    SummaryDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tachograph_collector.translate.exponential import MAX_BUCKETS
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.metrics import TranslatedMetrics, translate_metrics
from tachograph_collector.translate.outcome import Rejections

Translate = Callable[..., tuple[TranslatedMetrics, Rejections]]
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA


@pytest.fixture
def translate_all(window: Window, limits: Limits) -> Translate:
    def run(*metrics: Metric) -> tuple[TranslatedMetrics, Rejections]:
        request = ExportMetricsServiceRequest()
        request.resource_metrics.add().scope_metrics.add().metrics.extend(metrics)
        rejections = Rejections()
        return translate_metrics(request, "p", window, limits, rejections), rejections

    return run


@pytest.fixture
def gauge(make_span: Callable[..., Span], now: int) -> Callable[..., Metric]:
    def make(name: str, value: float, attributes: Mapping[str, object]) -> Metric:
        point = NumberDataPoint(
            time_unix_nano=now, as_double=value, attributes=make_span(attributes).attributes
        )
        return Metric(name=name, gauge=Gauge(data_points=[point]))

    return make


def test_gpu_metrics_of_the_sdk_of_openlit_change_their_units(
    translate_all: Translate, gauge: Callable[..., Metric]
) -> None:
    gpu = {"gpu.uuid": "GPU-1", "gpu.index": "0", "gpu.name": "H100"}
    translated, rejections = translate_all(
        gauge("gpu.utilization", 50, gpu),
        gauge("gpu.memory.used", 2, gpu),
        gauge("gpu.memory.total", 81920, gpu),
        gauge("gpu.temperature", 41, gpu),
        gauge("gpu.power.draw", 300, gpu),
        gauge("gpu.power.limit", 700, gpu),
        gauge("gpu.fan_speed", 30, gpu),
        gauge("gpu.enc.utilization", 5, gpu),
    )
    assert not rejections.total
    (row,) = translated.gpu_readings
    assert (row.gpu_id, row.gpu_index, row.gpu_model) == ("GPU-1", 0, "H100")
    assert (row.utilization_ratio, row.memory_used_bytes) == (0.5, 2 * 1024 * 1024)
    assert (row.memory_total_bytes, row.temperature_c) == (80 * 1024**3, 41)
    assert (row.power_w, row.power_limit_w) == (300, 700)
    names = [reading.name for reading in translated.engine_readings]
    assert names == ["gpu.fan_speed", "gpu.enc.utilization"]
    assert translated.points == {"unknown": 8}


def test_a_point_that_says_another_thing_fills_no_gpu_column(
    translate_all: Translate, gauge: Callable[..., Metric]
) -> None:
    gpu = {"hw.id": "GPU-1", "hw.type": "gpu"}
    translated, rejections = translate_all(
        gauge("hw.gpu.utilization", 0.9, {**gpu, "hw.gpu.task": "general"}),
        gauge("hw.gpu.utilization", 0.1, {**gpu, "hw.gpu.task": "encoder"}),
        gauge("hw.gpu.temperature", 50, {**gpu, "sensor": "die"}),
        gauge("hw.gpu.temperature", 80, {**gpu, "sensor": "memory"}),
        gauge("hw.gpu.power.draw", 300, gpu),
        gauge("hw.gpu.energy.consumed", 12.5, gpu),
        gauge("hw.power", 40, {"hw.id": "PSU-1", "hw.type": "power_supply"}),
        gauge("process.gpu.memory.usage", 1, gpu),
    )
    assert not rejections.total
    (row,) = translated.gpu_readings
    assert (row.utilization_ratio, row.temperature_c) == (0.9, 50)
    assert (row.power_w, row.energy_j) == (300, 12.5)
    kept = {(reading.name, reading.value) for reading in translated.engine_readings}
    assert kept == {
        ("hw.gpu.utilization", 0.1),
        ("hw.gpu.temperature", 80),
        ("hw.power", 40),
        ("process.gpu.memory.usage", 1),
    }


@pytest.mark.parametrize(
    "name",
    [
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "gen_ai.client.inference.duration",
        "gen_ai.server.time_to_first_token",
        "llm.chat_completions.streaming_time_to_generate",
    ],
)
def test_client_metrics_are_kept_under_their_names(
    translate_all: Translate, now: int, name: str
) -> None:
    point = HistogramDataPoint(
        time_unix_nano=now,
        count=3,
        sum=4.5,
        min=0.5,
        max=3,
        bucket_counts=[1, 2],
        explicit_bounds=[1],
    )
    histogram = Histogram(data_points=[point], aggregation_temporality=DELTA)
    translated, rejections = translate_all(Metric(name=name, unit="s", histogram=histogram))
    assert not rejections.total
    rows = [(row.name, row.labels, row.kind, row.value) for row in translated.engine_readings]
    assert rows == [
        (f"{name}_sum", {}, "delta", 4.5),
        (f"{name}_count", {}, "delta", 3.0),
        (f"{name}_min", {}, "gauge", 0.5),
        (f"{name}_max", {}, "gauge", 3.0),
        (f"{name}_bucket", {"le": "1"}, "delta", 1.0),
        (f"{name}_bucket", {"le": "+Inf"}, "delta", 3.0),
    ]


def test_a_histogram_without_a_sum_has_none(translate_all: Translate, now: int) -> None:
    point = HistogramDataPoint(time_unix_nano=now, count=3)
    metric = Metric(name="gen_ai.x", histogram=Histogram(data_points=[point]))
    translated, _ = translate_all(metric)
    assert [row.name for row in translated.engine_readings] == ["gen_ai.x_count"]


def _exponential(now: int, scale: int, **fields: object) -> Metric:
    point = ExponentialHistogramDataPoint(time_unix_nano=now, scale=scale, **fields)  # type: ignore[arg-type]
    return Metric(
        name="gen_ai.client.operation.duration",
        exponential_histogram=ExponentialHistogram(data_points=[point]),
    )


def test_exponential_histograms_become_cumulative_buckets(
    translate_all: Translate, now: int
) -> None:
    Buckets = ExponentialHistogramDataPoint.Buckets
    metric = _exponential(
        now,
        0,
        count=10,
        sum=30.0,
        zero_count=1,
        positive=Buckets(offset=0, bucket_counts=[2, 0, 4]),
        negative=Buckets(offset=1, bucket_counts=[3]),
    )
    translated, rejections = translate_all(metric)
    assert not rejections.total
    buckets = [
        (row.labels["le"], row.value)
        for row in translated.engine_readings
        if row.name.endswith("_bucket")
    ]
    assert buckets == [("-2", 3), ("0", 4), ("2", 6), ("8", 10), ("+Inf", 10)]


def test_many_exponential_buckets_are_merged_without_losing_a_count(
    translate_all: Translate, now: int
) -> None:
    Buckets = ExponentialHistogramDataPoint.Buckets
    counts = list(range(1, 161))
    metric = _exponential(
        now, 4, count=sum(counts), positive=Buckets(offset=-80, bucket_counts=counts)
    )
    translated, _ = translate_all(metric)
    buckets = {
        float(row.labels["le"]): row.value
        for row in translated.engine_readings
        if row.name.endswith("_bucket")
    }
    assert len(buckets) <= MAX_BUCKETS + 1
    for bound, below in buckets.items():
        exact = sum(
            count
            for index, count in enumerate(counts, start=-80)
            if 2 ** ((index + 1) / 16) <= bound * (1 + 1e-5)
        )
        assert below == exact
    assert buckets[math.inf] == sum(counts)


@pytest.mark.parametrize(("scale", "length"), [(21, 1), (-11, 1), (0, 5000)])
def test_an_impossible_exponential_histogram_is_refused(
    translate_all: Translate, now: int, scale: int, length: int
) -> None:
    buckets = ExponentialHistogramDataPoint.Buckets(bucket_counts=[1] * length)
    _, rejections = translate_all(_exponential(now, scale, count=length, positive=buckets))
    assert rejections.counts == {("unknown", "bad_value"): 1}


@pytest.mark.parametrize("offset", [-(2**31), 2**31 - 2])
def test_bounds_beyond_numbers_are_no_error(
    translate_all: Translate, now: int, offset: int
) -> None:
    buckets = ExponentialHistogramDataPoint.Buckets(offset=offset, bucket_counts=[1])
    for scale in (-10, 20):
        translated, _ = translate_all(_exponential(now, scale, count=1, positive=buckets))
        assert translated.engine_readings[-1].labels == {"le": "+Inf"}


def test_summaries_keep_their_quantiles(translate_all: Translate, now: int) -> None:
    quantile = SummaryDataPoint.ValueAtQuantile(quantile=0.5, value=2.0)
    point = SummaryDataPoint(time_unix_nano=now, count=3, sum=6.0, quantile_values=[quantile])
    metric = Metric(name="gen_ai.x", summary=Summary(data_points=[point]))
    translated, rejections = translate_all(metric)
    assert not rejections.total
    rows = [(row.name, row.labels, row.kind, row.value) for row in translated.engine_readings]
    assert rows == [
        ("gen_ai.x_sum", {}, "counter", 6.0),
        ("gen_ai.x_count", {}, "counter", 3.0),
        ("gen_ai.x", {"quantile": "0.5"}, "gauge", 2.0),
    ]


def test_what_no_table_takes_is_refused_with_its_reason(
    translate_all: Translate, gauge: Callable[..., Metric]
) -> None:
    translated, rejections = translate_all(
        gauge("http.client.duration", 1, {}), gauge("gpu.utilization", 1, {})
    )
    assert not (translated.engine_readings or translated.gpu_readings or translated.points)
    assert rejections.counts == {("unknown", "unsupported"): 1, ("unknown", "bad_value"): 1}
