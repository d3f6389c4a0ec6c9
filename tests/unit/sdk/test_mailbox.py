"""Bounds, books and re-entrance of the queues."""

import gc
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph._internal.delivery.bell import Bell
from tachograph._internal.delivery.mailbox import Mailbox
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import LogEvent, MetricPoint, estimated_bytes
from tachograph._internal.delivery.transport import retry_after_seconds

POINT = MetricPoint(name="hw.power", unit="W", kind="gauge", value=1.0, time_unix_nano=1)


def balanced(mailbox: Mailbox) -> bool:
    counts = mailbox.counts()
    return all(
        counts.submitted[signal]
        == counts.delivered[signal] + counts.waiting[signal] + counts.dropped_total(signal)
        for signal in counts.submitted
    )


@pytest.mark.lesson(6)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("offer"), st.integers(1, 50)),
            st.tuples(st.just("take"), st.integers(0, 3)),
            st.tuples(st.just("abandon"), st.none()),
            st.tuples(st.just("close"), st.none()),
        ),
        max_size=60,
    )
)
def test_the_books_balance_whatever_happens(steps: list[tuple[str, Any]]) -> None:
    options = DeliveryOptions(max_records=7, max_bytes=120, batch_records=3, batch_bytes=60)
    mailbox = Mailbox(options)
    under_way: list[tuple[int, int]] = []
    for step, number in steps:
        if step == "offer":
            mailbox.offer("metrics", POINT, number)
        elif step == "take":
            first = mailbox.take("metrics")
            more = mailbox.take("metrics", 20)
            assert more is None or (first is not None and more[1] <= 20)
            sizes = [item[1] for item in (first, more) if item is not None]
            if sizes:
                under_way.append((len(sizes), sum(sizes)))
            if number and under_way:
                records, size = under_way.pop(0)
                lost = min(number - 1, records)
                mailbox.resolve("metrics", records, size, lost=lost, reason="export_rejected")
        elif step == "abandon":
            mailbox.close()
            mailbox.abandon()
            under_way.clear()
        else:
            mailbox.close()
        assert balanced(mailbox)
        assert mailbox.counts().waiting["metrics"] <= 7


@pytest.mark.lesson(6)
def test_what_is_under_way_still_takes_room() -> None:
    mailbox = Mailbox(DeliveryOptions(max_records=2))
    assert mailbox.offer("spans", POINT, 1)
    assert mailbox.offer("spans", POINT, 1)
    assert mailbox.take("spans") is not None
    assert mailbox.take("spans") is not None
    assert mailbox.take("spans") is None
    assert not mailbox.offer("spans", POINT, 1)
    assert mailbox.counts().dropped == {("spans", "queue_full"): 1}
    mailbox.resolve("spans", 2, 2)
    assert mailbox.offer("spans", POINT, 1)


def test_readings_cannot_crowd_out_spans() -> None:
    mailbox = Mailbox(DeliveryOptions(max_records=2))
    for _ in range(5):
        mailbox.offer("metrics", POINT, 1)
    assert mailbox.offer("spans", POINT, 1)


def test_bytes_are_bounded() -> None:
    mailbox = Mailbox(DeliveryOptions(max_bytes=100))
    assert mailbox.offer("logs", POINT, 60)
    assert not mailbox.offer("logs", POINT, 60)
    assert mailbox.counts().dropped == {("logs", "queue_bytes"): 1}


class Finalised:
    """Submits a record when it is collected as garbage."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._circle = self

    def __del__(self) -> None:
        self._mailbox.offer("spans", POINT, 1)


def test_a_finaliser_may_submit_anywhere() -> None:
    """An abandoned stream ends its span in `__del__`, which may run anywhere, here included."""
    mailbox = Mailbox(DeliveryOptions())
    with mailbox._lock:
        assert mailbox.offer("spans", POINT, 1)
    former = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(1000):
            Finalised(mailbox)
            assert mailbox.offer("spans", POINT, 1)
            assert mailbox.counts().submitted["spans"] > 0
    finally:
        gc.set_threshold(*former)
        gc.collect()
    assert mailbox.counts().submitted["spans"] == 2001
    assert mailbox.counts().waiting["spans"] == 2001


def test_many_threads_leave_the_books_right() -> None:
    mailbox = Mailbox(DeliveryOptions(max_records=500))

    def work() -> None:
        for _ in range(2000):
            mailbox.offer("spans", POINT, 1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = mailbox.counts()
    assert counts.submitted["spans"] == 16_000
    assert counts.waiting["spans"] == 500
    assert counts.dropped == {("spans", "queue_full"): 15_500}


def test_a_ring_before_the_wait_is_not_lost() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    bell.wait(None)
    started_at = time.monotonic()
    bell.wait(0.05)
    assert time.monotonic() - started_at >= 0.04


def test_estimates_have_the_right_magnitude() -> None:
    event = LogEvent(name="x", time_unix_nano=1, attributes={"a": "b" * 5000, "c": ["d" * 100] * 3})
    assert 5300 <= estimated_bytes(event) <= 6000


def test_retry_after() -> None:
    assert retry_after_seconds(None) is None
    assert retry_after_seconds("7") == 7
    assert retry_after_seconds("-7") == 0
    assert retry_after_seconds("soon") is None
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    year = time.gmtime().tm_year + 2
    assert (retry_after_seconds(f"Wed, 21 Oct {year} 07:28:00 GMT") or 0) > 1e6
