"""Streams: nothing held back, clients that leave, clients that read slowly, many at once."""

import json
import queue
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

CHAT = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(CHAT) + CHAT
BIG = 50 * 1024 * 1024
PIECE = 64 * 1024


def _event(text: str) -> bytes:
    chunk = {"model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def test_each_chunk_is_passed_before_the_next_is_made(kit: "Kit") -> None:
    may_go_on: queue.Queue[bool] = queue.Queue()

    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        for number in range(10):
            connection.send_chunk(_event(str(number)))
            may_go_on.get(timeout=120)  # not before the client has the chunk
        connection.send(b"0\r\n\r\n")

    client = kit.client(kit.sidecar(kit.engine(script).url).port)
    client.send(REQUEST)
    client.read_until(b"\r\n\r\n")
    for number in range(10):
        assert _event(str(number)) in client.read_until(b"\n\n\r\n")
        may_go_on.put(True)
    assert client.read_exactly(5) == b"0\r\n\r\n"


def test_half_an_event_is_passed_too(kit: "Kit") -> None:
    may_go_on = threading.Event()

    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        connection.send_chunk(b'data: {"choi')
        assert may_go_on.wait(120)
        connection.send_chunk(b'ces": []}\n\n')
        connection.send(b"0\r\n\r\n")

    client = kit.client(kit.sidecar(kit.engine(script).url, engine="llama_cpp").port)
    client.send(REQUEST)
    client.read_until(b"\r\n\r\n")
    client.read_until(b'data: {"choi\r\n')
    may_go_on.set()
    assert client.read_until(b"0\r\n\r\n").endswith(b'ces": []}\n\n\r\n0\r\n\r\n')


def test_a_client_that_leaves_cancels_the_engines_work(kit: "Kit", outlet: "KeepingOutlet") -> None:
    was_closed: queue.Queue[bool] = queue.Queue()

    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        connection.send_chunk(_event("a"))
        was_closed.put(connection.is_closed_by_peer())

    client = kit.client(kit.sidecar(kit.engine(script).url, outlet).port)
    client.send(REQUEST)
    client.read_until(b"\n\n")
    client.close()
    assert was_closed.get(timeout=120)
    span = outlet.the_span()
    assert span.attributes is not None
    assert span.attributes["tachograph.client.disconnected"] is True
    assert "error.type" not in span.attributes
    assert json.loads(str(span.attributes["gen_ai.output.messages"]))[0]["parts"] == [
        {"type": "text", "content": "a"}
    ]


def test_64_streams_at_once_arrive_whole(kit: "Kit", outlet: "KeepingOutlet") -> None:
    together = threading.Barrier(64)

    def script(connection: "EngineConnection") -> None:
        request = connection.read_request()
        assert request is not None
        name = json.loads(request[1])["messages"][0]["content"]
        together.wait(120)  # all 64 are at the engine at one time
        connection.start_stream()
        for number in range(20):
            connection.send_chunk(_event(f"{name}:{number} "))
        connection.send(b"0\r\n\r\n")

    sidecar = kit.sidecar(kit.engine(script).url, outlet)

    def ask(number: int) -> bytes:
        body = json.dumps(
            {"model": "m", "messages": [{"role": "user", "content": f"n{number}"}]}
        ).encode()
        client = kit.client(sidecar.port)
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body))
        client.send(body)
        client.read_until(b"\r\n\r\n")
        return client.read_chunked()

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(64)))
    for number, answer in enumerate(answers):
        assert answer == b"".join(_event(f"n{number}:{n} ") for n in range(20))
    spans = outlet.wait_for_spans(64)
    assert len({span.context.span_id for span in spans if span.context}) == 64
    counts = [(span.attributes or {}).get("tachograph.stream.chunk_count") for span in spans]
    assert counts == [20] * 64


def test_a_big_request_to_a_slow_engine_stays_in_the_socket(kit: "Kit") -> None:
    may_read = threading.Event()
    received = 0

    def script(connection: "EngineConnection") -> None:
        nonlocal received
        connection.read_head()
        assert may_read.wait(120)
        while received < BIG:
            received += len(connection.read_exactly(PIECE))
        connection.answer(b"ok")

    client = kit.client(kit.sidecar(kit.engine(script).url).port)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % BIG)
    before = _peak_rss_bytes()
    client.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < BIG:
            sent += client.socket.send(b"x" * PIECE)
    except TimeoutError:
        pass
    assert sent < BIG // 2  # the sidecar stopped taking more
    client.socket.settimeout(60)
    may_read.set()
    while sent < BIG:
        sent += client.socket.send(b"x" * min(PIECE, BIG - sent))
    assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert _peak_rss_bytes() - before < BIG // 2


def test_a_big_answer_to_a_slow_client_stays_at_the_engine(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    sent = 0

    def script(connection: "EngineConnection") -> None:
        nonlocal sent
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BIG)
        connection.socket.settimeout(0.5)
        piece = b"y" * PIECE
        try:
            while sent < BIG:
                sent += connection.socket.send(piece[: BIG - sent])
        except TimeoutError:
            assert sent < BIG // 2
            stalled.set()
        connection.socket.settimeout(60)
        while sent < BIG:
            sent += connection.socket.send(piece[: BIG - sent])

    stalled = threading.Event()
    client = kit.client(kit.sidecar(kit.engine(script).url, outlet).port)
    before = _peak_rss_bytes()
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    assert stalled.wait(120)  # the client has read nothing: the sidecar stopped taking more
    client.read_until(b"\r\n\r\n")
    left = BIG
    while left:
        left -= len(client.read_exactly(min(PIECE, left)))
    assert _peak_rss_bytes() - before < BIG // 2
    found = outlet.the_span().attributes
    assert found is not None
    wait_s = found["tachograph.proxy.client_wait_time"]
    assert isinstance(wait_s, float) and wait_s > 0.4  # the engine stood still for half a second


def test_a_dead_kept_alive_connection_is_replaced(kit: "Kit") -> None:
    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.answer(b"ok")
        connection.read_head()  # take the second request on this connection and drop it

    engine = kit.engine(script)
    client = kit.client(kit.sidecar(engine.url).port)
    for _ in range(4):
        client.send(b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        client.read_until(b"\r\n\r\nok")
    assert engine.connections == 4
    assert [body for _, body in engine.requests] == [b"abc"] * 4


def _peak_rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
