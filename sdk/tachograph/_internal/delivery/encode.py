"""Records to OTLP request bodies and OTLP answers back to counts."""

from collections.abc import Mapping, Sequence

from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from tachograph._internal.delivery.records import LogEvent, MetricPoint, Record, Signal
from tachograph.semconv import SCHEMA_URL
from tachograph.version import __version__

SCOPE_NAME = "tachograph"


def encode(signal: Signal, records: Sequence[Record], resource: Resource) -> bytes:
    """The OTLP protobuf body of one export request. Spans carry their own resource."""
    if signal == "spans":
        spans = [record for record in records if isinstance(record, ReadableSpan)]
        body: bytes = encode_spans(spans).SerializeToString()
        return body
    if signal == "metrics":
        points = [record for record in records if isinstance(record, MetricPoint)]
        return _encode_points(points, resource)
    events = [record for record in records if isinstance(record, LogEvent)]
    return _encode_events(events, resource)


def rejected_records(signal: Signal, body: bytes) -> tuple[int, str]:
    """How many records a 2xx answer says were refused (partial success), and why.

    An answer that is not OTLP counts as full success: its status said so.
    """
    try:
        if signal == "spans":
            traces = ExportTraceServiceResponse.FromString(body).partial_success
            return traces.rejected_spans, traces.error_message
        if signal == "metrics":
            metrics = ExportMetricsServiceResponse.FromString(body).partial_success
            return metrics.rejected_data_points, metrics.error_message
        logs = ExportLogsServiceResponse.FromString(body).partial_success
        return logs.rejected_log_records, logs.error_message
    except DecodeError:
        return 0, ""


def _encode_points(points: Sequence[MetricPoint], resource: Resource) -> bytes:
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add(resource=_resource(resource))
    of_scope = of_resource.scope_metrics.add(scope=_scope(), schema_url=SCHEMA_URL)
    by_metric: dict[tuple[str, str, str], Metric] = {}
    for point in points:
        key = (point.name, point.unit, point.kind)
        metric = by_metric.get(key)
        if metric is None:
            metric = of_scope.metrics.add(name=point.name, unit=point.unit)
            if point.kind == "counter":
                metric.sum.is_monotonic = True
                metric.sum.aggregation_temporality = (
                    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
                )
            by_metric[key] = metric
        data_points = (
            metric.sum.data_points if point.kind == "counter" else metric.gauge.data_points
        )
        data_point = data_points.add(
            time_unix_nano=point.time_unix_nano, attributes=_attributes(point.attributes)
        )
        if point.start_time_unix_nano is not None:
            data_point.start_time_unix_nano = point.start_time_unix_nano
        if isinstance(point.value, int):
            data_point.as_int = point.value
        else:
            data_point.as_double = point.value
    body: bytes = request.SerializeToString()
    return body


def _encode_events(events: Sequence[LogEvent], resource: Resource) -> bytes:
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add(resource=_resource(resource))
    of_scope = of_resource.scope_logs.add(scope=_scope(), schema_url=SCHEMA_URL)
    for event in events:
        log = of_scope.log_records.add(
            event_name=event.name,
            time_unix_nano=event.time_unix_nano,
            observed_time_unix_nano=event.time_unix_nano,
            attributes=_attributes(event.attributes),
        )
        if event.body is not None:
            log.body.string_value = event.body
        if event.trace_id is not None:
            log.trace_id = bytes.fromhex(event.trace_id)
        if event.span_id is not None:
            log.span_id = bytes.fromhex(event.span_id)
    body: bytes = request.SerializeToString()
    return body


def _scope() -> InstrumentationScope:
    return InstrumentationScope(name=SCOPE_NAME, version=__version__)


def _resource(resource: Resource) -> ResourceMessage:
    return ResourceMessage(attributes=_attributes(resource.attributes))


def _attributes(attributes: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: object) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):  # before int: bool is one
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, Sequence):
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
    raise TypeError(f"attribute of type {type(value).__name__}: use str, bool, int, float or lists")
