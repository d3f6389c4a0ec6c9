"""What users of other SDKs suffered: hangs at the end, threads and processors that pile up."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

import tachograph
from tachograph.testing import Fault, Receiver, recording

from .conftest import eventually
from .test_ends import start, write

GENEROUS_S = 30.0
"""Far above any deadline here, far below for ever."""


@pytest.mark.lesson(13)
def test_flush_and_shutdown_return_after_a_shutdown_and_on_a_second_client() -> None:
    with recording() as receiver:
        receiver.fault = Fault(hangs=True)
        with tachograph.span("s"):
            pass
        began_at = time.monotonic()
        assert not tachograph.flush(0.2)
        assert not tachograph.shutdown(0.2)
        assert tachograph.flush(60) and tachograph.shutdown(60)  # nothing is there to wait for
        tachograph.init(endpoint=receiver.endpoint)
        with tachograph.span("s"):
            pass
        assert not tachograph.flush(0.2)
        assert not tachograph.shutdown(0.2)
        assert time.monotonic() - began_at < GENEROUS_S


@pytest.mark.lesson(14)
def test_flush_in_a_pool_of_threads_returns_in_time() -> None:
    with recording() as receiver:
        receiver.fault = Fault(hangs=True)

        def work(number: int) -> bool:
            with tachograph.span(str(number)):
                pass
            return tachograph.flush(0.3)

        began_at = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(16))) == [False] * 16
        assert time.monotonic() - began_at < GENEROUS_S
        receiver.fault = None
        receiver.stop()
        receiver.start()
        assert tachograph.flush(GENEROUS_S)
        assert len(receiver.spans) == 16


@pytest.mark.lesson(14)
def test_ctrl_c_ends_a_program_whose_collector_hangs(receiver: Receiver, tmp_path: Path) -> None:
    receiver.fault = Fault(hangs=True)
    program = write(
        tmp_path,
        "interrupted.py",
        """
        import sys, time, tachograph
        tachograph.init(endpoint=sys.argv[1])
        with tachograph.span("s"):
            pass
        print("ready", flush=True)
        while True:
            time.sleep(0.1)
        """,
    )
    with start(str(program), receiver.endpoint, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        receiver.wait_for_requests(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(GENEROUS_S) == -signal.SIGINT
        assert "KeyboardInterrupt" in process.stdout.read()


@pytest.mark.lesson(15)
def test_threads_and_processors_do_not_pile_up(receiver: Receiver) -> None:
    provider = TracerProvider()

    def deliverers() -> int:
        return sum(thread.name == "tachograph-delivery" for thread in threading.enumerate())

    for mode in ("isolated", provider):
        for number in range(10):
            tachograph.init(endpoint=receiver.endpoint, provider=mode)
            with tachograph.span(str(number)):
                pass
        assert tachograph.flush(GENEROUS_S)
        assert eventually(lambda: deliverers() == 1), "former clients end when they are empty"
    assert len(provider._active_span_processor._span_processors) == 1
    assert tachograph.shutdown(GENEROUS_S)
    assert eventually(lambda: deliverers() == 0)
    assert len(receiver.spans) == 20


@pytest.mark.lesson(16)
def test_a_queue_is_as_long_as_it_may_be() -> None:
    bounds = tachograph.types.DeliveryOptions(max_records=100, max_bytes=20_000)
    with recording(delivery=bounds) as receiver:
        receiver.stop()
        for number in range(1_000):
            with tachograph.generation("m") as g:
                g.messages = "x" * (10_000 if number % 2 else 1)
        counts = tachograph.counts()
        assert counts is not None
        assert counts.waiting["spans"] <= 100
        assert counts.submitted["spans"] == 1_000
        assert counts.waiting["spans"] + counts.dropped_total("spans") == 1_000
        assert counts.dropped[("spans", "queue_bytes")] > 0
