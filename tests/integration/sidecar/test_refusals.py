"""What the sidecar answers itself: unsafe requests, and an engine that does not answer."""

import json
import queue
import threading
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.free_port import free_port

from tachograph_sidecar.proxy.client import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'


def _answer_all(connection: "EngineConnection") -> None:
    while connection.read_request() is not None:
        connection.answer(b"{}")


def _error(answer: bytes) -> dict[str, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    error = json.loads(body)["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /x HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
        b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /x HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_ambiguous_or_broken_requests_never_reach_the_engine(
    kit: "Kit", request_bytes: bytes
) -> None:
    engine = kit.engine(_answer_all)
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(request_bytes)
    answer = client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert _error(answer)["remedy"]
    assert engine.requests == [] and engine.connections == 0


def test_a_request_body_that_breaks_half_way_cancels_the_engines_request(kit: "Kit") -> None:
    has_begun = threading.Event()
    closed: queue.Queue[bool] = queue.Queue()

    def script(connection: "EngineConnection") -> None:
        connection.read_head()
        assert connection.read_line() == b"3"
        connection.read_exactly(5)
        has_begun.set()
        closed.put(connection.is_closed_by_peer())

    engine = kit.engine(script)
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert has_begun.wait(120)
    client.send(b"zz\r\n")
    assert client.read_to_end().startswith(b"HTTP/1.1 400 ")
    assert closed.get(timeout=120)


def test_websockets_are_refused_clearly(kit: "Kit") -> None:
    engine = kit.engine(_answer_all)
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(
        b"GET /v1/realtime HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"User-Agent: test\r\n\r\n"
    )
    answer = client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert _error(answer)["code"] == "upgrade_not_supported"
    assert engine.requests == []


def test_an_endless_head_is_refused(kit: "Kit") -> None:
    client = kit.client(kit.sidecar(kit.engine(_answer_all).url).port)
    client.send(b"GET /x HTTP/1.1\r\nX: ")
    client.send(b"a" * (MAX_HEAD_BYTES + 1))
    assert client.read_until(b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_no_engine_is_a_502_that_says_what_to_do(kit: "Kit", outlet: "KeepingOutlet") -> None:
    port = free_port()
    client = kit.client(kit.sidecar(f"http://127.0.0.1:{port}", outlet).port)
    for _ in range(2):  # the connection stays usable
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(CHAT))
        client.send(CHAT)
        head = client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert b"x-tachograph-counted-by: proxy" in head
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        error = json.loads(client.read_exactly(length))["error"]
        assert error["code"] == "engine_unreachable"
        assert "--upstream" in error["message"] and f":{port}" in error["message"]
    spans = outlet.wait_for_spans(2)
    assert spans[0].attributes is not None
    assert spans[0].attributes["error.type"] == "engine_unreachable"
    assert spans[0].attributes["http.response.status_code"] == 502
    assert not spans[0].status.is_ok


@pytest.mark.parametrize(
    "answer",
    [
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000,
        b"",
    ],
)
def test_an_engine_that_speaks_no_http_is_a_502(kit: "Kit", answer: bytes) -> None:
    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.send(answer)

    client = kit.client(kit.sidecar(kit.engine(script).url).port)
    client.send(b"GET /x HTTP/1.1\r\nUser-Agent: test\r\nConnection: close\r\n\r\n")
    assert client.read_to_end().startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_an_engine_that_dies_in_a_stream_ends_it_as_unfinished(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.start_stream()
        connection.send_chunk(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')

    client = kit.client(kit.sidecar(kit.engine(script).url, outlet).port)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(CHAT))
    client.send(CHAT)
    answer = client.read_to_end()
    assert b'"content":"a"' in answer
    assert not answer.endswith(b"0\r\n\r\n")
    span = outlet.the_span()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "engine_disconnected"


def test_local_routes(kit: "Kit") -> None:
    engine = kit.engine(_answer_all)
    client = kit.client(kit.sidecar(engine.url).port)
    for path, status in ((b"healthz", b"200"), (b"state", b"200"), (b"other", b"404")):
        client.send(b"GET /_tachograph/%b HTTP/1.1\r\nUser-Agent: test\r\n\r\n" % path)
        head = client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = json.loads(client.read_exactly(length))
    client.send(b"POST /_tachograph/state HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
    assert client.read_until(b"\r\n").startswith(b"HTTP/1.1 405 ")
    assert engine.requests == []
    assert body["error"]["code"] == "not_found"
