"""Every way to say where a message ends, passed on without changing a byte of the message."""

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tachograph_sidecar.proxy.client import MAX_PIPELINED

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, Kit, Script

GET = b"GET /v1/models HTTP/1.1\r\nHost: sidecar\r\nUser-Agent: test\r\n"


def _always(answer: bytes) -> "Script":
    def script(connection: "EngineConnection") -> None:
        while connection.read_request() is not None:
            connection.send(answer)

    return script


def _ask(kit: "Kit", answer: bytes, request: bytes = GET + b"Connection: close\r\n\r\n") -> bytes:
    engine = kit.engine(_always(answer))
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(request)
    return client.read_to_end()


def test_content_length_stays_content_length(kit: "Kit") -> None:
    got = _ask(kit, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Odd: \xe9\r\n\r\nhello")
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert b"Content-Length: 5" in head and b"X-Odd: \xe9" in head
    assert b"transfer-encoding" not in head.lower()


def test_chunks_stay_chunks(kit: "Kit") -> None:
    got = _ask(
        kit,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
        b"2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
    )
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"trailer" not in head.lower()
    assert _unchunk(body) == b"hello"


def test_an_answer_that_ends_with_its_connection_becomes_chunks(kit: "Kit") -> None:
    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhel")
        connection.send(b"lo")

    engine = kit.engine(script)
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(GET + b"\r\n")
    client.read_until(b"\r\n\r\n")
    assert client.read_chunked() == b"hello"


def test_http_10_clients_get_no_chunks(kit: "Kit") -> None:
    got = _ask(
        kit,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET / HTTP/1.0\r\nUser-Agent: test\r\n\r\n",
    )
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert b"transfer-encoding" not in head.lower()


@pytest.mark.parametrize(
    ("method", "status", "fields"),
    [
        (b"HEAD", b"200 OK", b"Content-Length: 5\r\n"),
        (b"HEAD", b"200 OK", b"Transfer-Encoding: chunked\r\n"),
        (b"GET", b"204 No Content", b""),
        (b"GET", b"304 Not Modified", b"Content-Length: 5\r\n"),
    ],
)
def test_answers_without_a_body_keep_the_connection_usable(
    kit: "Kit", method: bytes, status: bytes, fields: bytes
) -> None:
    engine = kit.engine(_always(b"HTTP/1.1 " + status + b"\r\n" + fields + b"\r\n"))
    client = kit.client(kit.sidecar(engine.url).port)
    for _ in range(2):
        client.send(method + b" /x HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n")
        head = client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert fields in head
    assert engine.connections == 1


def test_request_bodies_keep_their_framing(kit: "Kit") -> None:
    engine = kit.engine(_always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(b"POST /a?b=c HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
    client.read_until(b"\r\n\r\n")
    client.send(
        b"PUT /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    client.read_until(b"\r\n\r\n")
    (first, first_body), (second, second_body) = engine.requests
    assert first.startswith(b"POST /a?b=c HTTP/1.1\r\n") and b"content-length: 3" in first
    assert second.startswith(b"PUT /d HTTP/1.1\r\n") and b"transfer-encoding: chunked" in second
    assert first_body == second_body == b"abc"
    assert f"host: 127.0.0.1:{engine.port}".encode() in first


def test_pipelined_requests_are_answered_in_order(kit: "Kit") -> None:
    def script(connection: "EngineConnection") -> None:
        while (request := connection.read_request()) is not None:
            connection.answer(request[0].split()[1])

    engine = kit.engine(script)
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(
        b"".join(b"GET /%d HTTP/1.1\r\nUser-Agent: test\r\n\r\n" % n for n in range(5))
        + b"GET /_tachograph/healthz HTTP/1.1\r\n\r\n"
    )
    for n in range(5):
        client.read_until(b"\r\n\r\n")
        assert client.read_exactly(2) == b"/%d" % n
    client.read_until(b"\r\n\r\n")
    assert client.read_exactly(16) == b'{"status": "ok"}'


def test_an_expectation_is_the_engines_to_meet(kit: "Kit") -> None:
    def script(connection: "EngineConnection") -> None:
        head = connection.read_head()
        assert head is not None and b"expect: 100-continue" in head
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert connection.read_exactly(3) == b"abc"
        connection.answer(b"ok")

    client = kit.client(kit.sidecar(kit.engine(script).url).port)
    client.send(b"POST /x HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    client.send(b"abc")
    assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_early_hints_pass(kit: "Kit") -> None:
    got = _ask(
        kit,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    assert got.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\nok")


def test_an_upgrade_to_http_2_is_not_taken_and_the_body_survives(kit: "Kit") -> None:
    engine = kit.engine(_always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(
        b"POST /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAA\r\nContent-Length: 3\r\n\r\nabc" + GET + b"\r\n"
    )
    for _ in range(2):
        client.read_until(b"\r\n\r\nok")
    assert [body for _, body in engine.requests] == [b"abc", b""]
    assert b"upgrade" not in engine.requests[0][0].lower()
    assert b"http2-settings" not in engine.requests[0][0].lower()


def test_an_absolute_target_loses_its_authority(kit: "Kit") -> None:
    engine = kit.engine(_always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(b"GET http://elsewhere:1/a?b HTTP/1.1\r\nUser-Agent: test\r\n\r\n")
    client.read_until(b"\r\n\r\n")
    assert engine.requests[0][0].startswith(b"GET /a?b HTTP/1.1\r\n")


def test_a_flood_of_pipelined_requests_is_cut_off(kit: "Kit") -> None:
    engine = kit.engine(_always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    client = kit.client(kit.sidecar(engine.url).port)
    client.send(b"GET /x HTTP/1.1\r\nUser-Agent: t\r\n\r\n" * 3000)
    answers = 0
    with suppress(ConnectionError):
        answers = client.read_to_end().count(b"\r\n\r\nok")
    assert answers <= 2 * MAX_PIPELINED
    assert len(engine.requests) <= 2 * MAX_PIPELINED


def _unchunk(body: bytes) -> bytes:
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            assert body == b"\r\n"
            return whole
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
