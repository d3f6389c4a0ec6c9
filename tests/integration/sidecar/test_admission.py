"""Limits, classes and a routing file that changes, through a running sidecar."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'


def _request(*fields: bytes) -> bytes:
    lines = (b"POST /v1/chat/completions HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(CHAT))
    return b"\r\n".join((*lines, *fields)) + b"\r\n\r\n" + CHAT


def _answer_all(connection: "EngineConnection") -> None:
    while connection.read_request() is not None:
        connection.answer(b'{"usage": {"prompt_tokens": 90, "completion_tokens": 30}}')


def test_a_tenant_over_its_tokens_gets_429_in_the_clients_own_shape(
    kit: "Kit", outlet: "KeepingOutlet", tmp_path: Path
) -> None:
    path = tmp_path / "routing.toml"
    path.write_text("[tenants.acme]\ntokens_per_minute = 100")
    engine = kit.engine(_answer_all)
    sidecar = kit.sidecar(engine.url, outlet, routing_file=str(path), trust_tenant_header="on")
    client = kit.client(sidecar.port)
    client.send(_request(b"x-tachograph-tenant: acme"))
    client.read_until(b"}}")
    outlet.wait_for_spans(1)  # tokens are charged when the answer has been read
    client.send(_request(b"x-tachograph-tenant: acme"))
    head = client.read_until(b"\r\n\r\n")
    body = client.read_until(b"}}")
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"retry-after: " in head.lower()
    error = json.loads(body)["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    client.send(_request(b"x-tachograph-tenant: other"))
    assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
    refused = outlet.wait_for_spans(2)[1].attributes
    assert refused is not None
    assert refused["error.type"] == "rate_limit_exceeded"
    assert refused["http.response.status_code"] == 429
    assert len(engine.requests) == 2


def test_who_waits_goes_by_class_and_the_wait_is_recorded(
    kit: "Kit", outlet: "KeepingOutlet", tmp_path: Path
) -> None:
    path = tmp_path / "routing.toml"
    path.write_text('[admission]\nmax_in_flight = 1\n[tenants."*"]\npriority = "high"')
    may_answer = threading.Event()

    def answer_late(connection: "EngineConnection") -> None:
        while connection.read_request() is not None:
            may_answer.wait(120)
            connection.answer(b"{}")

    engine = kit.engine(answer_late)
    sidecar = kit.sidecar(engine.url, outlet, routing_file=str(path))
    classes = [b"high", b"low", b"high"]
    clients = []
    for waiting, name in enumerate(classes):
        client = kit.client(sidecar.port)
        client.send(_request(b"x-tachograph-priority: " + name, b"x-request-id: %d" % waiting))
        clients.append(client)

        def has_come(expected: int = waiting) -> bool:
            state = sidecar.sidecar.state()["admission"]
            assert isinstance(state, dict)
            return bool(state["in_flight"] == 1 and sum(state["waiting"].values()) == expected)

        kit.wait_until(has_come, f"{waiting} requests wait")
    may_answer.set()
    for client in clients:
        assert client.read_until(b"\r\n\r\n{}").startswith(b"HTTP/1.1 200 OK")
    heads = [head for head, _ in engine.requests]
    order = [int(head.partition(b"x-request-id: ")[2].partition(b"\r\n")[0]) for head in heads]
    assert order == [0, 2, 1]
    assert all(b"x-tachograph-priority" not in head for head in heads)
    waits = {}
    for span in outlet.wait_for_spans(3):
        found = span.attributes
        assert found is not None and span.start_time and span.end_time
        wait_s = found["tachograph.proxy.queue_time"]
        assert isinstance(wait_s, float)
        assert wait_s <= (span.end_time - span.start_time) / 1e9
        waits[found["tachograph.request.id"]] = (found["tachograph.priority"], wait_s > 0)
    assert waits == {"0": ("high", False), "1": ("low", True), "2": ("high", True)}


def test_a_client_that_leaves_frees_its_place(kit: "Kit", tmp_path: Path) -> None:
    path = tmp_path / "routing.toml"
    path.write_text("[admission]\nmax_in_flight = 1")
    is_first = threading.Event()

    def answer_the_second(connection: "EngineConnection") -> None:
        if connection.read_request() is not None:
            if not is_first.is_set():
                is_first.set()
                connection.is_closed_by_peer()
            else:
                connection.answer(b"{}")

    engine = kit.engine(answer_the_second)
    port = kit.sidecar(engine.url, routing_file=str(path)).port
    leaving = kit.client(port)
    leaving.send(_request())
    kit.wait_until(is_first.is_set, "the engine has the first request")
    staying = kit.client(port)
    staying.send(_request())
    leaving.close()
    assert staying.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")


def test_without_a_routing_file_nothing_is_said_of_waiting(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    client = kit.client(kit.sidecar(kit.engine(_answer_all).url, outlet).port)
    client.send(_request(b"x-tachograph-priority: high"))
    client.read_until(b"}}")
    found = outlet.the_span().attributes
    assert found is not None
    assert "tachograph.proxy.queue_time" not in found and "tachograph.priority" not in found


def test_an_engine_left_out_of_the_file_is_drained(kit: "Kit", tmp_path: Path) -> None:
    may_answer = threading.Event()

    def answer_late(connection: "EngineConnection") -> None:
        connection.read_request()
        may_answer.wait(120)
        connection.answer(b"{}")

    old, new = kit.engine(answer_late), kit.engine(_answer_all)
    path = tmp_path / "routing.toml"
    path.write_text(f'upstreams = ["{old.url}"]')
    sidecar = kit.sidecar("http://127.0.0.1:1", routing_file=str(path))
    held = kit.client(sidecar.port)
    held.send(_request())
    kit.wait_until(lambda: len(old.requests) == 1, "the old engine works")
    path.write_text(f'upstreams = ["{new.url}"]')
    sidecar.call(sidecar.sidecar.reload)
    client = kit.client(sidecar.port)
    client.send(_request())
    assert client.read_until(b"}}")
    assert (len(old.requests), len(new.requests)) == (1, 1)
    may_answer.set()
    assert held.read_until(b"\r\n\r\n{}").startswith(b"HTTP/1.1 200 OK")

    def engines() -> list[tuple[str, bool]]:
        state = sidecar.sidecar.state()["upstreams"]
        assert isinstance(state, list)
        return [(item["url"], item["draining"]) for item in state]

    kit.wait_until(lambda: engines() == [(new.url, False)], "the old engine is let go")


def test_sighup_reads_the_file_again_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "routing.toml"
    path.write_text("[admission]\nmax_in_flight = 1")
    command = [sys.executable, "-m", "tachograph_sidecar.command", "--port", "0", "--gpu", "off"]
    with subprocess.Popen(
        [*command, "--routing-file", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TACHOGRAPH_SIDECAR_UPSTREAM": "http://127.0.0.1:1"},
    ) as process:
        assert process.stdout is not None

        def read_until(text: str) -> str:
            assert process.stdout is not None
            for line in process.stdout:
                if text in line:
                    return line
            raise AssertionError(f"it ended without {text!r}")

        try:
            port = int(read_until("listening").partition("127.0.0.1:")[2].partition(" ")[0])
            path.write_text("[admission]\nmax_in_flight = -1")
            process.send_signal(signal.SIGHUP)
            assert "admission.max_in_flight" in read_until("not reloaded")
            path.write_text("[tenants.a]\npriority = 'low'")
            process.send_signal(signal.SIGHUP)
            read_until("read again")
            with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
                client.sendall(b"GET /_tachograph/healthz HTTP/1.0\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 200")
        finally:
            process.terminate()
            process.wait(120)
