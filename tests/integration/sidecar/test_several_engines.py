"""Several engines behind one sidecar: who gets a request, and what happens when one is gone."""

import json
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING

from tests.fixtures.free_port import free_port

from tachograph_sidecar.proxy.balancer import Balancer
from tachograph_sidecar.proxy.pool import parse_upstreams

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
_POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
REQUEST = _POST % (len(CHAT), CHAT)


def _answer_all(connection: "EngineConnection") -> None:
    while connection.read_request() is not None:
        connection.answer(b'{"model": "m"}')


def _ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        client.sendall(REQUEST.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        answer = b""
        while data := client.recv(65536):
            answer += data
    return answer


def _absent_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_the_engine_with_least_in_flight_gets_the_request(kit: "Kit") -> None:
    may_answer = threading.Event()

    def answer_late(connection: "EngineConnection") -> None:
        connection.read_request()
        may_answer.wait(120)
        connection.answer(b"{}")

    slow = kit.engine(answer_late)
    quick = kit.engine(_answer_all)
    port = kit.sidecar(f"{slow.url},{quick.url}").port
    held = kit.client(port)
    held.send(REQUEST)
    kit.wait_until(lambda: len(slow.requests) == 1, "the first engine has the first request")
    for _ in range(5):
        assert _ask(port).startswith(b"HTTP/1.1 200")
    assert (len(slow.requests), len(quick.requests)) == (1, 5)
    may_answer.set()
    assert held.read_until(b"{}")


def test_idle_engines_take_turns(kit: "Kit") -> None:
    engines = [kit.engine(_answer_all) for _ in range(3)]
    port = kit.sidecar(",".join(engine.url for engine in engines)).port
    for _ in range(9):
        assert _ask(port).startswith(b"HTTP/1.1 200")
    assert [len(engine.requests) for engine in engines] == [3, 3, 3]


def test_an_engine_that_is_gone_is_passed_over(kit: "Kit", outlet: "KeepingOutlet") -> None:
    """The request that meets it goes to the next engine, with the whole body and its own Host."""
    engine = kit.engine(_answer_all)
    port = kit.sidecar(f"{_absent_url()},{engine.url}", outlet).port
    for _ in range(4):
        assert _ask(port).startswith(b"HTTP/1.1 200")
    assert [body for _, body in engine.requests] == [CHAT] * 4
    assert all(f"127.0.0.1:{engine.port}".encode() in head for head, _ in engine.requests)
    for span in outlet.wait_for_spans(4):
        assert span.attributes is not None
        assert span.attributes["server.port"] == engine.port


def test_when_all_are_gone_the_error_names_each(kit: "Kit") -> None:
    urls = [_absent_url(), _absent_url()]
    answer = _ask(kit.sidecar(",".join(urls)).port)
    assert answer.startswith(b"HTTP/1.1 502")
    message = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
    assert all(url in message for url in urls)


def test_state_and_points_tell_them_apart(kit: "Kit", outlet: "KeepingOutlet") -> None:
    engine, absent = kit.engine(_answer_all), _absent_url()
    sidecar = kit.sidecar(f"{engine.url},{absent}", outlet)

    def ups() -> dict[object, float]:
        return {
            point.attributes["server.port"]: point.value
            for point in outlet.points
            if point.name == "tachograph.proxy.upstream_up"
        }

    kit.wait_until(lambda: len(ups()) == 2, "both engines were looked at")
    assert ups() == {str(engine.port): 1, absent.rpartition(":")[2]: 0}
    with urllib.request.urlopen(
        f"http://127.0.0.1:{sidecar.port}/_tachograph/state", timeout=60
    ) as answer:
        state = json.loads(answer.read())
    assert [(u["url"], u["up"]) for u in state["upstreams"]] == [
        (engine.url, True),
        (absent, False),
    ]


def test_one_that_is_down_is_chosen_last() -> None:
    balancer = Balancer(parse_upstreams("http://a:1,http://b:2"), 10)
    first, second = balancer.pools
    first.is_down = True
    assert [balancer.pick() for _ in range(3)] == [second] * 3
    assert balancer.pick([second]) is first
    assert balancer.pick([first, second]) is None
