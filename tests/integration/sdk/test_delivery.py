"""What arrives when nothing is wrong: content, rhythm, reports."""

import time

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from tachograph._internal.delivery import LogEvent, MetricPoint
from tachograph.testing import Receiver

from .conftest import DeliveryMaker, SpanMaker, eventually


def test_spans_points_and_events_arrive_whole(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint, "tg_key")
    assert delivery.submit_span(make_spans(1)[0])
    assert delivery.submit_metrics(
        [
            MetricPoint(
                name="hw.power",
                unit="W",
                kind="gauge",
                value=231.5,
                time_unix_nano=5,
                attributes={"hw.id": "GPU-1", "gpu.index": 0},
            ),
            MetricPoint(name="hw.energy", unit="J", kind="counter", value=7, time_unix_nano=6),
        ]
    )
    event = LogEvent(
        name="gen_ai.evaluation.result",
        time_unix_nano=8,
        attributes={"x": [1, 2], "y": True},
        trace_id="a" * 32,
        span_id="b" * 16,
    )
    assert delivery.submit_log(event)
    assert delivery.flush(10)
    (span,) = receiver.spans
    assert span.name == "0"
    power, energy = (p for p in receiver.points if p.name.startswith("hw."))
    assert (power.kind, power.value, power.unit, power.time) == ("gauge", 231.5, "W", 5)
    assert power.attributes == {"hw.id": "GPU-1", "gpu.index": 0}
    assert (energy.kind, energy.value) == ("counter", 7)
    (log,) = receiver.events
    assert (log.trace_id, log.span_id, log.attributes) == (
        "a" * 32,
        "b" * 16,
        {"x": [1, 2], "y": True},
    )
    for path, headers in receiver.requests:
        assert path in ("/v1/traces", "/v1/metrics", "/v1/logs")
        assert headers["authorization"] == "Bearer tg_key"
        assert headers["content-encoding"] == "gzip"
        assert headers["content-type"] == "application/x-protobuf"


def test_a_path_in_the_endpoint_is_kept(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint + "/tenant", is_compressed=False)
    delivery.submit_span(make_spans(1)[0])
    assert delivery.flush(10)
    path, headers = receiver.requests[0]
    assert path == "/tenant/v1/traces"
    assert "content-encoding" not in headers


def test_the_first_batch_leaves_at_once_and_later_ones_by_size(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(
        receiver.endpoint, first_delay_s=0.05, delay_s=3600.0, batch_records=10
    )
    first, *more = make_spans(12)
    delivery.submit_span(first)
    receiver.wait_for_spans(1)
    for span in more[:9]:
        delivery.submit_span(span)
    for span in more[9:]:
        delivery.submit_span(span)
    assert len(receiver.wait_for_spans(11)) == 11  # ten by size; the twelfth waits an hour
    assert eventually(lambda: delivery.counts().waiting["spans"] == 1)


def test_a_large_batch_is_split_by_bytes(receiver: Receiver, make_delivery: DeliveryMaker) -> None:
    delivery = make_delivery(receiver.endpoint, batch_bytes=50_000)
    tracer = TracerProvider().get_tracer("test")
    for _ in range(10):
        span = tracer.start_span("big", attributes={"text": "x" * 20_000})
        span.end()
        assert isinstance(span, ReadableSpan)
        delivery.submit_span(span)
    assert delivery.flush(10)
    assert len(receiver.spans) == 10
    assert sum(path == "/v1/traces" for path, _ in receiver.requests) >= 5


def test_the_books_are_reported_beside_the_data(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint, max_records=3, first_delay_s=60.0)
    for span in make_spans(5):
        delivery.submit_span(span)
    assert delivery.shutdown(10)
    reported = {
        (p.name, p.attributes.get("tachograph.signal"), p.attributes.get("error.type")): p.value
        for p in receiver.points
    }
    assert reported == {
        ("tachograph.client.submitted", "spans", None): 5,
        ("tachograph.client.dropped", "spans", "queue_full"): 2,
    }
    assert {p.resource["service.instance.id"] for p in receiver.points} == {
        delivery.resource.attributes["service.instance.id"]
    }


@pytest.mark.lesson(8)
def test_a_span_that_has_no_otlp_form_does_not_take_its_batch_along(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint, first_delay_s=60.0)
    spans = make_spans(7)
    spans[3]._attributes = {"x": object()}  # type: ignore[dict-item]
    for span in spans:
        delivery.submit_span(span)
    assert not delivery.flush(10)
    assert sorted(span.name for span in receiver.spans) == ["0", "1", "2", "4", "5", "6"]
    assert delivery.counts().dropped == {("spans", "internal_error"): 1}


def test_after_shutdown_records_are_counted_as_lost(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint)
    delivery.submit_span(make_spans(1)[0])
    assert delivery.shutdown(10)
    assert not delivery.submit_span(make_spans(1)[0])
    assert delivery.counts().dropped == {("spans", "shutdown"): 1}
    assert len(receiver.spans) == 1


def test_an_unused_delivery_has_no_thread_and_ends_at_once(make_delivery: DeliveryMaker) -> None:
    delivery = make_delivery("http://127.0.0.1:9")
    assert delivery._thread is None
    before = time.monotonic()
    assert delivery.flush(30)
    assert delivery.shutdown(30)
    assert time.monotonic() - before < 15
