"""Spans that are open when their process ends are ended, marked, and delivered or counted."""

import gc
import signal
import threading
import weakref
from collections import Counter
from pathlib import Path

import pytest

import tachograph
from tachograph._internal.record import SpanRecord
from tachograph.testing import Receiver

from .openai_server import openai_server
from .test_ends import dropped, start, submitted, write

OPEN = """
    import asyncio, os, sys, threading, time, openai, tachograph
    tachograph.init(endpoint=sys.argv[1], service_name="open",
                    delivery=tachograph.types.DeliveryOptions(max_records=int(sys.argv[2])))
    begun = threading.Barrier(9)

    def nest(depth):
        with tachograph.span(f"open {depth}") as span:
            span.set("depth", depth)
            if depth:
                nest(depth - 1)
            else:
                begun.wait()
                time.sleep(600)

    @tachograph.observe
    def numbers():
        yield 1
        yield 2

    for _ in range(8):
        threading.Thread(target=nest, args=(99,), daemon=True).start()
    begun.wait()
    for _ in range(100):
        with tachograph.span("ended"):
            pass
    counting = numbers()
    next(counting)
    client = tachograph.wrap(openai.OpenAI(base_url=sys.argv[3], api_key="k"))
    stream = client.chat.completions.create(model="m", messages=[], stream=True)
    next(stream), next(stream)
    with tachograph.span("main"):
        print("ready", flush=True)
        while True:  # a signal just before a sleep waits for its end, in any Python program
            time.sleep(0.1)
"""


@pytest.mark.parametrize("max_records", [20_000, 300])
def test_sigterm_ends_open_spans_as_interrupted(
    receiver: Receiver, tmp_path: Path, max_records: int
) -> None:
    program = write(tmp_path, "open.py", OPEN)
    arguments = (str(program), receiver.endpoint, str(max_records))
    with openai_server() as engine, start(*arguments, engine.url, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(180) == -signal.SIGTERM
    in_all = 800 + 100 + 3  # nested in threads; ended; generator, stream and main
    assert submitted(receiver) == in_all
    assert len(receiver.spans) + sum(dropped(receiver).values()) == in_all
    assert len({span.span_id for span in receiver.spans}) == len(receiver.spans)
    for span in receiver.spans:
        is_cut_short = span.name != "ended"
        assert (span.attributes.get("error.type") == "interrupted") is is_cut_short, span.name
        assert span.status_code == (2 if is_cut_short else 0)
    if max_records == 20_000:
        names = Counter(span.name for span in receiver.spans)
        assert names["open 0"] == 8
        assert names["main"] == names["numbers"] == names["chat m"] == 1
        assert receiver.spans[-1].end_time > receiver.spans[-1].start_time


def test_the_normal_end_of_a_process_ends_them_too(receiver: Receiver, tmp_path: Path) -> None:
    program = write(
        tmp_path,
        "left.py",
        """
        import sys, threading, time, tachograph
        tachograph.init(endpoint=sys.argv[1])
        begun = threading.Event()

        def work():
            with tachograph.span("left"):
                begun.set()
                time.sleep(600)

        threading.Thread(target=work, daemon=True).start()
        begun.wait()
        """,
    )
    with start(str(program), receiver.endpoint, cwd=tmp_path) as process:
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    (span,) = receiver.spans
    assert span.attributes["error.type"] == "interrupted"


def test_shutdown_by_the_application_ends_them_too(receiver: Receiver) -> None:
    """In the middle of a block, and in a thread that goes on: each is there once."""
    tachograph.init(endpoint=receiver.endpoint)
    begun, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with tachograph.span("in a thread"):
            begun.set()
            may_end.wait(180)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(180)
    with tachograph.span("around"), tachograph.span("ended"):
        pass
    with tachograph.span("around"):
        assert tachograph.shutdown(30.0)
    may_end.set()
    thread.join()
    assert Counter((span.name, span.attributes.get("error.type")) for span in receiver.spans) == {
        ("around", None): 1,
        ("around", "interrupted"): 1,
        ("ended", None): 1,
        ("in a thread", "interrupted"): 1,
    }
    assert submitted(receiver) == 4


def test_a_forked_child_leaves_its_parents_open_spans_alone(
    receiver: Receiver, tmp_path: Path
) -> None:
    program = write(
        tmp_path,
        "forked.py",
        """
        import multiprocessing, sys, tachograph

        def work():
            with tachograph.span("ended"):
                pass
            span = tachograph.span("the child's").__enter__()
            globals()["kept"] = span

        tachograph.init(endpoint=sys.argv[1])
        with tachograph.span("the parent's"):
            child = multiprocessing.get_context("fork").Process(target=work)
            child.start()
            child.join()
        """,
    )
    with start(str(program), receiver.endpoint, cwd=tmp_path) as process:
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    found = {span.name: span.attributes.get("error.type") for span in receiver.spans}
    assert found == {"the parent's": None, "the child's": "interrupted", "ended": None}
    assert len(receiver.spans) == 3


@pytest.mark.lesson(16)
def test_a_span_that_is_never_ended_is_not_kept(tachograph_receiver: Receiver) -> None:
    forgotten = tachograph.span("forgotten")
    forgotten._start()
    watch = weakref.ref(forgotten)
    gc.collect()  # what earlier tests left
    before = sum(type(found) is SpanRecord for found in gc.get_objects())
    assert before >= 1
    del forgotten
    gc.collect()
    assert watch() is None
    assert sum(type(found) is SpanRecord for found in gc.get_objects()) == before - 1
