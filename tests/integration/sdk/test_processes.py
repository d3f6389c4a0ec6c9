"""Threads, forks and ends of processes: every record arrives or is counted."""

import faulthandler
import os
import subprocess
import sys
import textwrap
import threading

import pytest

import tachograph
from tachograph.testing import Receiver

from .conftest import DeliveryMaker, SpanMaker


def run_python(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.lesson(6)
def test_many_threads_lose_nothing(tachograph_receiver: Receiver) -> None:
    def work(number: int) -> None:
        for inner in range(50):
            with tachograph.span(f"outer {number}"), tachograph.span(f"inner {inner}"):
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tachograph.flush(20)
    spans = tachograph_receiver.spans
    assert len(spans) == 8 * 50 * 2
    parents = {span.span_id: span for span in spans}
    for span in spans:
        if span.name.startswith("inner"):
            assert parents[span.parent_span_id].name.startswith("outer")
            assert parents[span.parent_span_id].trace_id == span.trace_id


def test_a_forked_child_delivers_its_own_and_only_its_own(
    receiver: Receiver, make_delivery: DeliveryMaker, make_spans: SpanMaker
) -> None:
    delivery = make_delivery(receiver.endpoint, first_delay_s=60.0)
    before, during, after = make_spans(3)
    delivery.submit_span(before)
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(20, exit=True)  # a child that hangs must not stay
        status = 1
        try:
            is_fresh = delivery.counts().submitted["spans"] == 0
            delivery.submit_span(during)
            status = 0 if is_fresh and delivery.shutdown(20) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    delivery.submit_span(after)
    assert delivery.shutdown(20)
    assert sorted(span.name for span in receiver.spans) == ["0", "1", "2"]
    instances = {
        point.resource["service.instance.id"]: point.value
        for point in receiver.points
        if point.name == "tachograph.client.submitted"
    }
    assert sorted(instances.values()) == [1, 2]  # two processes, two sets of books


def test_forked_workers_of_an_initialised_parent(receiver: Receiver) -> None:
    """What a prefork server does: init in the parent, work in the children."""
    run_python(
        """
        import os, sys, tachograph
        tachograph.init(endpoint=sys.argv[1], service_name="prefork")
        with tachograph.span("parent"):
            pass
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                for _ in range(25):
                    with tachograph.span(f"child {number}"):
                        pass
                os._exit(0 if tachograph.shutdown(20) else 1)
            children.append(child)
        sys.exit(sum(os.waitpid(child, 0)[1] for child in children))
        """,
        receiver.endpoint,
    )
    names = [span.name for span in receiver.wait_for_spans(101)]
    assert len(names) == 101
    instances = {span.resource["service.instance.id"] for span in receiver.spans}
    assert len(instances) == 5


def test_the_end_of_the_process_delivers_what_is_queued(receiver: Receiver) -> None:
    run_python(
        """
        import sys, tachograph
        tachograph.init(endpoint=sys.argv[1])
        for number in range(2000):
            with tachograph.span(str(number)):
                pass
        """,
        receiver.endpoint,
    )
    assert len(receiver.spans) == 2000


def test_children_of_multiprocessing_deliver_at_their_end(receiver: Receiver) -> None:
    run_python(
        """
        import multiprocessing, sys, tachograph

        def work(number):
            with tachograph.span(f"child {number}"):
                pass

        tachograph.init(endpoint=sys.argv[1])
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=work, args=(n,)) for n in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        """,
        receiver.endpoint,
    )
    assert sorted(span.name for span in receiver.spans) == ["child 0", "child 1", "child 2"]


def test_without_a_collector_a_program_ends_soon_and_quietly() -> None:
    output = run_python(
        """
        import tachograph
        tachograph.init(endpoint="http://127.0.0.1:9")
        with tachograph.span("lost"):
            print("worked")
        """
    )
    assert output == "worked\n"


def test_init_again_delivers_what_the_former_client_had(receiver: Receiver) -> None:
    with Receiver() as second:
        tachograph.init(endpoint=receiver.endpoint)
        with tachograph.span("to the first"):
            pass
        tachograph.init(endpoint=second.endpoint)
        with tachograph.span("to the second"):
            pass
        assert tachograph.shutdown(10)
        assert [span.name for span in receiver.wait_for_spans(1)] == ["to the first"]
        assert [span.name for span in second.spans] == ["to the second"]
