"""Batches on disk while the collector is away."""

import stat
from pathlib import Path

import pytest
from tests.fixtures.free_port import free_port

from tachograph._internal.delivery.spool import Spool
from tachograph.testing import Fault, Receiver

from .conftest import DeliveryMaker, SpanMaker, eventually


def test_what_a_process_could_not_deliver_the_next_one_does(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    first = make_delivery(
        f"http://127.0.0.1:{free_port()}", spool_folder=str(folder), batch_records=4
    )
    spans = make_spans(11)
    for span in spans[:10]:
        first.submit_span(span)
    assert first.shutdown(20)
    counts = first.counts()
    assert (counts.spooled, counts.dropped, counts.waiting["spans"]) == ({"spans": 10}, {}, 0)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    second = make_delivery(receiver.endpoint, spool_folder=str(folder))
    second.submit_span(spans[10])
    assert {span.name for span in receiver.wait_for_spans(11)} == {str(n) for n in range(11)}
    assert eventually(lambda: not any(folder.iterdir()))
    assert second.counts().delivered["spans"] == 1  # the others are in the books of the first


def test_memory_that_fills_up_goes_to_disk_and_is_delivered_later(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker, tmp_path: Path
) -> None:
    receiver.fault = Fault(status=503)
    delivery = make_delivery(
        receiver.endpoint,
        spool_folder=str(tmp_path / "spool"),
        max_records=20,
        batch_records=5,
        circuit_pause_s=0.1,
    )
    spans = make_spans(60)
    for number, span in enumerate(spans):
        assert delivery.submit_span(span)
        if number % 10 == 9:
            delivery.flush(0.05)
            assert eventually(lambda: delivery.counts().waiting["spans"] < 10)
    assert delivery.counts().spooled["spans"] >= 40
    receiver.fault = None
    assert len({span.name for span in receiver.wait_for_spans(60, 30)}) == 60
    assert eventually(lambda: delivery.counts().delivered["spans"] == 60)
    assert delivery.counts().spooled == {}
    assert delivery.counts().dropped == {}


def test_a_hanging_collector_cannot_keep_the_rest_from_the_disk(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker, tmp_path: Path
) -> None:
    receiver.fault = Fault(hangs=True)
    delivery = make_delivery(
        receiver.endpoint, spool_folder=str(tmp_path / "spool"), request_timeout_s=60.0
    )
    for span in make_spans(10):
        delivery.submit_span(span)
    receiver.wait_for_requests(1)
    assert delivery.shutdown(10)
    assert delivery.counts().spooled == {"spans": 10}


def test_what_the_collector_refuses_later_is_counted_then(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker, tmp_path: Path
) -> None:
    receiver.fault = Fault(status=503)
    folder = tmp_path / "spool"
    delivery = make_delivery(
        receiver.endpoint, spool_folder=str(folder), circuit_failures=1, circuit_pause_s=0.05
    )
    delivery.submit_span(make_spans(1)[0])
    assert eventually(lambda: delivery.counts().spooled == {"spans": 1})
    receiver.fault = Fault(status=400)
    assert eventually(lambda: delivery.counts().spooled == {})
    counts = delivery.counts()
    assert counts.dropped == {("spans", "export_rejected"): 1}
    assert counts.delivered["spans"] == 0
    assert eventually(lambda: not any(folder.iterdir()))


def test_the_cap_holds_and_what_does_not_fit_is_counted(
    make_delivery: DeliveryMaker, make_spans: SpanMaker, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    delivery = make_delivery(
        f"http://127.0.0.1:{free_port()}",
        spool_folder=str(folder),
        spool_max_bytes=500,
        batch_records=1,
        is_compressed=False,
    )
    for span in make_spans(10):
        delivery.submit_span(span)
    assert not delivery.shutdown(20)
    counts = delivery.counts()
    spooled = counts.spooled["spans"]
    assert 0 < spooled < 10
    assert counts.dropped == {("spans", "shutdown"): 10 - spooled}
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 500


def test_a_folder_that_others_can_read_is_refused(
    make_delivery: DeliveryMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    make_delivery("http://127.0.0.1:9", spool_folder=str(folder))
    assert "must belong to this user alone" in caplog.text


def test_two_processes_do_not_send_one_batch_twice(tmp_path: Path) -> None:
    first = Spool(str(tmp_path / "spool"), 10_000)
    second = Spool(str(tmp_path / "spool"), 10_000)
    for number in range(2):
        assert first.write("spans", b"%d" % number, records=1, is_packed=False)
    with first.oldest() as one, second.oldest() as other:
        assert one is not None and other is not None
        assert {one.body, other.body} == {b"0", b"1"}
        with first.oldest() as third:
            assert third is None
        one.remove()
    with second.oldest() as left:
        assert left == other
    (tmp_path / "spool" / "notes.txt").write_text("not ours")
    assert not second.is_empty
