"""A collector that is away, slow, full, broken or wrong: nothing raises, every record is counted
once, and what can be kept arrives."""

import threading
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.fixtures.free_port import free_port

from tachograph.testing import Fault, Receiver

from .conftest import DeliveryMaker, SpanMaker


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=502),
        Fault(status=503, headers={"Retry-After": "0"}),
        Fault(status=504),
        Fault(closes=True),
        Fault(garbage=b"\x00\xff not HTTP at all\r\n\r\n"),
        Fault(hangs=True),
    ],
    ids=lambda fault: f"{fault.status}{fault.closes}{bool(fault.garbage)}{fault.hangs}",
)
def test_a_passing_fault_loses_nothing(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker, fault: Fault
) -> None:
    receiver.faults.extend([fault] * 3)
    # Only who hangs is given up soon: a batch that was taken and given up would come twice.
    patience = {"request_timeout_s": 1.0} if fault.hangs else {}
    delivery = make_delivery(receiver.endpoint, **patience)
    for span in make_spans(20):
        assert delivery.submit_span(span)
    arrived = receiver.wait_for_spans(20, 30)
    assert sorted(int(span.name) for span in arrived) == list(range(20))
    assert delivery.flush(10)
    counts = delivery.counts()
    assert (counts.delivered["spans"], dict(counts.dropped)) == (20, {})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500, 501, 301])
def test_a_refusal_is_counted_and_not_repeated(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker, status: int
) -> None:
    receiver.fault = Fault(status=status, headers={"Location": receiver.endpoint})
    delivery = make_delivery(receiver.endpoint, first_delay_s=60.0)
    delivery.submit_span(make_spans(1)[0])
    assert not delivery.flush(10)
    assert delivery.counts().dropped == {("spans", "export_rejected"): 1}
    assert sum(path == "/v1/traces" for path, _ in receiver.requests) == 1
    receiver.fault = None
    delivery.submit_span(make_spans(1)[0])
    assert delivery.flush(10)
    assert len(receiver.spans) == 1


def test_partial_success_counts_what_was_rejected(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    receiver.faults.append(Fault(body=answer.SerializeToString(), is_taken=True))
    delivery = make_delivery(receiver.endpoint, first_delay_s=60.0)
    for span in make_spans(5):
        delivery.submit_span(span)
    assert not delivery.flush(10)
    counts = delivery.counts()
    assert counts.delivered["spans"] == 3
    assert counts.dropped == {("spans", "export_rejected"): 2}


def test_a_batch_that_is_too_large_is_halved(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    receiver.faults.extend([Fault(status=413), Fault(status=413)])
    delivery = make_delivery(receiver.endpoint, first_delay_s=60.0)
    for span in make_spans(8):
        delivery.submit_span(span)
    assert delivery.flush(10)
    assert sorted(span.name for span in receiver.spans) == [str(n) for n in range(8)]


def test_retry_after_is_honoured_even_by_a_flush(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    receiver.faults.append(Fault(status=429, headers={"Retry-After": "2"}))
    delivery = make_delivery(receiver.endpoint)
    delivery.submit_span(make_spans(1)[0])
    receiver.wait_for_requests(1)
    told_at = time.monotonic()
    delivery.flush(0.2)
    assert delivery.flush(30)
    assert time.monotonic() - told_at >= 1.9
    assert len(receiver.requests) - sum(p == "/v1/metrics" for p, _ in receiver.requests) == 2


def test_killed_and_resumed_the_receiver_gets_everything(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint)
    spans = make_spans(300)
    for span in spans[:100]:
        assert delivery.submit_span(span)
    receiver.wait_for_spans(1)
    receiver.stop()
    for span in spans[100:200]:
        assert delivery.submit_span(span)
    assert not delivery.flush(0.3)
    receiver.start()
    for span in spans[200:]:
        assert delivery.submit_span(span)
    assert delivery.flush(30)
    # A batch that was taken when its connection broke is sent again: at least once, all of them.
    assert {span.name for span in receiver.spans} == {str(n) for n in range(300)}
    assert delivery.counts().delivered["spans"] == 300


def test_sent_is_delivered_plus_dropped_when_the_collector_comes_and_goes(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    receiver.stop()
    delivery = make_delivery(receiver.endpoint, max_records=150, batch_records=20)
    spans = make_spans(400)
    queued = [delivery.submit_span(span) for span in spans[:200]]
    receiver.start()
    receiver.wait_for_spans(100, 30)
    queued += [delivery.submit_span(span) for span in spans[200:]]
    assert delivery.shutdown(30)
    counts = delivery.counts()
    assert counts.submitted["spans"] == 400
    assert counts.dropped_total("spans") == queued.count(False) >= 50
    assert counts.delivered["spans"] == queued.count(True) == len(receiver.spans)
    assert {span.name for span in receiver.spans} == {
        str(number) for number, was_queued in enumerate(queued) if was_queued
    }


def test_while_the_collector_is_away_the_delivery_thread_sleeps(
    make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    """Were it to look again and again, the application would get the interpreter half the time."""
    delivery = make_delivery(f"http://127.0.0.1:{free_port()}", batch_records=5)
    for span in make_spans(50):
        delivery.submit_span(span)
    assert not delivery.flush(0.5)
    before = time.process_time()
    time.sleep(1.0)
    assert time.process_time() - before < 0.5
    assert delivery.counts().waiting["spans"] == 50


@pytest.mark.lesson(13)
@pytest.mark.lesson(9)
@pytest.mark.parametrize("fault", [None, Fault(hangs=True), Fault(status=503)])
def test_flush_and_shutdown_return_in_time(
    make_delivery: DeliveryMaker, make_spans: SpanMaker, receiver: Receiver, fault: Fault | None
) -> None:
    endpoint = receiver.endpoint if fault else f"http://127.0.0.1:{free_port()}"
    receiver.fault = fault
    delivery = make_delivery(endpoint, request_timeout_s=60.0)
    for span in make_spans(10):
        delivery.submit_span(span)
    before = time.monotonic()
    assert not delivery.flush(0.5)
    assert not delivery.shutdown(0.5)
    assert time.monotonic() - before < 10  # far below the 60 s of the request
    counts = delivery.counts()
    assert counts.dropped == {("spans", "shutdown"): 10}
    assert counts.waiting["spans"] == 0


def test_where_no_collector_ever_was_the_exit_does_not_wait(
    make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(f"http://127.0.0.1:{free_port()}")
    delivery.submit_span(make_spans(1)[0])
    before = time.monotonic()
    assert not delivery.shutdown(60)
    assert time.monotonic() - before < 30


def test_the_thread_ends_with_the_shutdown(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    before = threading.active_count()
    for _ in range(5):
        delivery = make_delivery(receiver.endpoint)
        delivery.submit_span(make_spans(1)[0])
        assert delivery.shutdown(10)
    names = [thread.name for thread in threading.enumerate()]
    assert "tachograph-delivery" not in names, (before, names)
