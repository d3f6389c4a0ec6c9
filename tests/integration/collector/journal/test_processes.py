"""Several collector processes behind one port: shared, restarted, and nothing lost with one."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

TWO = {"TACHOGRAPH_COLLECTOR_PROCESSES": "2", "TACHOGRAPH_COLLECTOR_LEDGER_INTERVAL_S": "0.3"}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found.extend(map(int, (task / "children").read_text().split()))
    return sorted(found)


def _answering(url: str) -> int | None:
    """The number of the process that a new connection finds; None while there is none."""
    try:
        number: int | None = httpx.get(f"{url}/livez", timeout=60).json()["process"]
    except httpx.TransportError:
        return None
    return number


def _all_answer(url: str, harness: Any, within_s: float = 180) -> None:
    seen: set[int | None] = set()

    def both() -> bool:
        seen.add(_answering(url))
        return {0, 1} <= seen

    harness.wait_for(both, "both processes to answer", deadline_s=within_s)


def _waiting(url: str) -> dict[int, int]:
    """Of each process that answered, what it has not stored yet."""
    waiting: dict[int, int] = {}
    for _ in range(40):
        health = httpx.get(f"{url}/healthz", timeout=60).json()
        waiting[health["process"]] = health["journal"]["waiting_records"]
        if len(waiting) == 2:
            break
    return waiting


@pytest.mark.timeout(900)
def test_one_of_two_is_killed_under_load_and_nothing_is_lost(stack: Any, harness: Any) -> None:
    stack.start_store()
    supervisor, url = stack.start_collector(**TWO)
    _all_answer(url, harness)
    acknowledged: set[str] = set()
    lock, done = threading.Lock(), threading.Event()

    def send() -> None:
        while not done.is_set():
            spans = [harness.chat_span() for _ in range(20)]
            taken = False
            while not (taken or done.is_set()):
                try:
                    taken = stack.export(url, *spans).status_code == 200
                except httpx.TransportError:
                    time.sleep(0.02)
            if taken:
                with lock:
                    acknowledged.update(span.span_id.hex() for span in spans)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        for victim in (0, 1):
            before = len(acknowledged)
            harness.wait_for(lambda before=before: len(acknowledged) > before + 200, "load")
            children = _children(supervisor.pid)
            assert len(children) == 2
            os.kill(children[victim], signal.SIGKILL)
            harness.wait_for(
                lambda dead=children[victim]: (
                    len(_children(supervisor.pid)) == 2 and dead not in _children(supervisor.pid)
                ),
                "the dead one to be replaced",
            )
            _all_answer(url, harness)
    finally:
        done.set()
        for sender in senders:
            sender.join()
    harness.wait_for(
        lambda: len(acknowledged.difference(stack.stored())) == 0,
        "what the dead ones left to be stored",
    )
    harness.wait_for(lambda: set(_waiting(url).values()) == {0}, "empty journals")
    stored = stack.stored()
    assert len(stored) == len(set(stored))
    assert harness.stop(supervisor) == 0


def test_the_same_span_sent_to_both_at_once_is_stored_once(stack: Any, harness: Any) -> None:
    stack.start_store()
    supervisor, url = stack.start_collector(**TWO)
    _all_answer(url, harness)
    spans = [harness.chat_span() for _ in range(300)]
    senders = [
        threading.Thread(target=lambda: stack.export(url, *spans).raise_for_status())
        for _ in range(12)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    harness.wait_for(lambda: set(_waiting(url).values()) == {0}, "empty journals")
    assert sorted(stack.stored()) == sorted(span.span_id.hex() for span in spans)
    assert harness.stop(supervisor) == 0


def test_grpc_and_metrics_say_which_process_it_is(stack: Any, harness: Any) -> None:
    stack.start_store()
    supervisor, url = stack.start_collector(**TWO)
    _all_answer(url, harness)
    address = httpx.get(f"{url}/healthz", timeout=60).json()["grpc"]
    request = harness.trace_request(harness.chat_span())
    for _ in range(6):  # each on a connection of its own
        with grpc.insecure_channel(
            address, options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            TraceServiceStub(channel).Export(request, timeout=60)  # type: ignore[no-untyped-call]
    text = httpx.get(f"{url}/metrics", timeout=60).text
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert samples
    assert all('process="' in line for line in samples)
    assert harness.stop(supervisor) == 0


def test_children_end_with_a_supervisor_that_is_killed(stack: Any, harness: Any) -> None:
    supervisor, url = stack.start_collector(**TWO)
    _all_answer(url, harness)
    children = _children(supervisor.pid)
    stack.kill_collector(supervisor)
    harness.wait_for(
        lambda: (
            not any(Path(f"/proc/{child}/fd").exists() for child in children)
            or _answering(url) is None
        ),
        "the children to end",
    )


def test_a_port_that_is_taken_is_said(stack: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tachograph_collector.command", "--processes", "2",
             "--port", str(port), "--grpc-port", "off"],
            capture_output=True, text=True, timeout=180, check=False,
            env={**os.environ, "TACHOGRAPH_HOME": str(stack.home)},
        )  # fmt: skip
    assert done.returncode == 1
    assert "TACHOGRAPH_COLLECTOR_PORT" in done.stderr
