"""How processes end: SIGTERM, prefork servers, functions that are frozen. Nothing goes unaccounted."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.fixtures.free_port import free_port

import tachograph
from tachograph.testing import Fault, Receiver, recording

from .conftest import eventually


def write(folder: Path, name: str, program: str) -> Path:
    file = folder / name
    file.write_text(textwrap.dedent(program))
    return file


def start(*command: str, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def submitted(receiver: Receiver) -> int:
    """The last report of every process of what it was given, and the sum of these."""
    latest: dict[str, float] = {}
    for point in receiver.points:
        if point.name == "tachograph.client.submitted":
            instance = point.resource["service.instance.id"]
            latest[instance] = max(latest.get(instance, 0), point.value)
    return int(sum(latest.values()))


def dropped(receiver: Receiver) -> Counter[str]:
    latest: dict[tuple[str, str], float] = {}
    for point in receiver.points:
        if point.name == "tachograph.client.dropped":
            key = (point.resource["service.instance.id"], point.attributes["error.type"])
            latest[key] = max(latest.get(key, 0), point.value)
    found: Counter[str] = Counter()
    for (_, reason), value in latest.items():
        found[reason] += int(value)
    return found


@pytest.mark.lesson(6)
def test_threads_of_nested_spans_all_arrive(tachograph_receiver: Receiver) -> None:
    def nest(depth: int) -> None:
        if depth:
            with tachograph.span(str(depth)):
                nest(depth - 1)

    def work() -> None:
        for _ in range(10):
            nest(100)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tachograph.flush(60)
    spans = {span.span_id: span for span in tachograph_receiver.spans}
    assert len(spans) == 8_000
    for span in spans.values():
        if span.name == "100":
            assert span.parent_span_id == ""
        else:
            assert int(spans[span.parent_span_id].name) == int(span.name) + 1


TERMINATED = """
    import sys, threading, time, tachograph
    tachograph.init(endpoint=sys.argv[1], service_name="terminated",
                    delivery=tachograph.types.DeliveryOptions(max_records=int(sys.argv[2])))

    def nest(depth):
        if depth:
            with tachograph.span(str(depth)):
                nest(depth - 1)

    def work():
        for _ in range(10):
            nest(100)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print("ready", flush=True)
    while True:  # a signal just before a sleep waits for its end, in any Python program
        time.sleep(0.1)
"""


@pytest.mark.parametrize("max_records", [20_000, 500])
def test_sigterm_delivers_or_counts_and_still_ends_by_it(
    receiver: Receiver, tmp_path: Path, max_records: int
) -> None:
    program = write(tmp_path, "terminated.py", TERMINATED)
    with start(str(program), receiver.endpoint, str(max_records), cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(180) == -signal.SIGTERM
    assert submitted(receiver) == 8_000
    assert len(receiver.spans) + sum(dropped(receiver).values()) == 8_000
    if max_records == 20_000:
        assert len(receiver.spans) == 8_000
    else:
        assert dropped(receiver)["queue_full"] > 0


def test_a_handler_of_the_applications_own_is_left_alone(
    receiver: Receiver, tmp_path: Path
) -> None:
    program = write(
        tmp_path,
        "own.py",
        """
        import signal, sys, time, tachograph
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
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
        process.send_signal(signal.SIGTERM)
        assert process.wait(180) == 7
    assert len(receiver.spans) == 1  # by atexit


@pytest.mark.lesson(10)
def test_gunicorn_with_forked_workers(receiver: Receiver, tmp_path: Path) -> None:
    write(
        tmp_path,
        "served.py",
        """
        import os, tachograph
        tachograph.init(endpoint=os.environ["RECEIVER"], service_name="gunicorn")

        def app(environ, start_response):
            for _ in range(5):
                with tachograph.span(str(os.getpid())):
                    pass
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(os.getpid()).encode()]
        """,
    )
    program = write(
        tmp_path,
        "drive.py",
        """
        import http.client, os, signal, subprocess, sys, time
        port = int(sys.argv[1])
        server = subprocess.Popen([sys.executable, "-m", "gunicorn", "served:app", "--preload",
            "--workers", "4", "--bind", f"127.0.0.1:{port}", "--log-level", "warning",
            "--worker-tmp-dir", os.getcwd()])
        workers, served, deadline = set(), 0, time.monotonic() + 180
        while (served < 200 or len(workers) < 2) and time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("GET", "/")
                workers.add(connection.getresponse().read())
                served += 1
            except OSError:
                time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        server.wait(180)
        print(served, len(workers))
        """,
    )
    with start(str(program), str(free_port()), cwd=tmp_path, RECEIVER=receiver.endpoint) as process:
        output, _ = process.communicate(timeout=300)
    served, workers = map(int, output.split()[-2:])
    assert served >= 200, output
    assert eventually(lambda: submitted(receiver) == 5 * served)
    assert len(receiver.spans) + sum(dropped(receiver).values()) == 5 * served
    assert len({span.name for span in receiver.spans}) == workers


@pytest.mark.lesson(10)
@pytest.mark.lesson(10)
def test_celery_prefork(receiver: Receiver, tmp_path: Path) -> None:
    for name in ("in", "processed", "done"):
        (tmp_path / name).mkdir()
    write(
        tmp_path,
        "worked.py",
        """
        import os, pathlib, celery, tachograph
        app = celery.Celery("worked", broker="filesystem://")
        app.conf.update(
            broker_transport_options={"data_folder_in": "in", "data_folder_out": "in",
                "processed_folder": "processed", "polling_interval": 0.02},
            task_ignore_result=True, worker_hijack_root_logger=False)
        tachograph.init(endpoint=os.environ["RECEIVER"], service_name="celery",
                        delivery=tachograph.types.DeliveryOptions(
                            first_delay_s=3600.0, delay_s=3600.0))  # only the end sends

        @app.task
        def work(number):
            with tachograph.span(str(number)), tachograph.span("inner"):
                pass
            pathlib.Path("done", str(number)).touch()
        """,
    )
    environment = {"RECEIVER": receiver.endpoint}
    sender = "import worked\nfor n in range(40): worked.work.delay(n)"
    with start("-c", sender, cwd=tmp_path, **environment) as process:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    command = ("-m", "celery", "-A", "worked", "worker", "--pool", "prefork", "--concurrency", "2")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR")
    with start(*command, *quiet, cwd=tmp_path, **environment) as process:
        try:
            assert eventually(lambda: len(list((tmp_path / "done").iterdir())) == 40, 300)
            assert receiver.spans == []
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)
    names = Counter(span.name for span in receiver.spans)
    assert names["inner"] == 40
    assert set(names) == {"inner", *map(str, range(40))}
    assert submitted(receiver) == 80


def test_serverless_exports_before_the_outermost_span_returns() -> None:
    delays = tachograph.types.DeliveryOptions(first_delay_s=3600.0, delay_s=3600.0)
    with recording(serverless=True, delivery=delays) as receiver:
        with tachograph.span("outer"), tachograph.span("inner"):
            pass
        assert [span.name for span in receiver.spans] == ["inner", "outer"]
        with tachograph.span("judged") as judged:
            pass
        assert judged.ids is not None
        assert tachograph.score("thumbs", 1, **judged.ids._asdict())
        assert len(receiver.events) == 1


@pytest.mark.lesson(14)
def test_serverless_gives_up_in_time_and_keeps_the_data() -> None:
    with recording(serverless=True) as receiver:
        receiver.fault = Fault(hangs=True)
        started_at = time.monotonic()
        with tachograph.span("first"):
            pass
        assert 1.5 < time.monotonic() - started_at < 30
        counts = tachograph.counts()
        assert counts is not None and counts.waiting["spans"] == 1
        receiver.fault = None
        receiver.stop()
        receiver.start()
        assert tachograph.flush(30)
        assert [span.name for span in receiver.spans] == ["first"]
