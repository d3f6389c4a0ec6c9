"""When a service that runs is taken for hung."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tachograph_cli.supervisor.liveness import HttpLiveness
from tachograph_cli.supervisor.policy import Liveness, RestartPolicy

POLICY = RestartPolicy(
    liveness_every_s=10.0, liveness_timeout_s=10.0, hung_after_s=60.0, hung_after_checks=3
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def ask(url: str, timeout_s: float) -> bool:
    liveness = HttpLiveness(url, timeout_s)
    answer = liveness.check()
    while answer is None:
        time.sleep(0.01)
        answer = liveness.check()
    return answer


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/livez"


def test_an_answer_of_any_status_is_one(listener: socket.socket) -> None:
    heard: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(1000))
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    assert ask(url_of(listener), 30.0)
    thread.join()
    assert heard[0].startswith(b"GET /livez HTTP/1.1\r\n")


def test_silence_is_none(listener: socket.socket) -> None:
    assert not ask(url_of(listener), 0.2)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = url_of(listener)
    assert not ask(url, 30.0)


def test_a_minute_without_an_answer_is_hung() -> None:
    liveness = Liveness(POLICY)
    liveness.begin(0.0)
    for now_s in (20.0, 40.0):
        liveness.record(False, now_s)
        assert not liveness.is_hung(now_s)
    liveness.record(False, 70.0)
    assert liveness.is_hung(70.0)


def test_one_answer_forgives_all() -> None:
    liveness = Liveness(POLICY)
    liveness.begin(0.0)
    for now_s, lives in ((20.0, False), (40.0, False), (60.0, True), (80.0, False), (130.0, False)):
        assert liveness.is_due(now_s)
        liveness.record(lives, now_s)
        assert not liveness.is_hung(now_s)


def test_few_questions_over_a_long_time_are_not_enough() -> None:
    liveness = Liveness(POLICY)
    liveness.begin(0.0)
    for now_s in (20.0, 600.0):
        liveness.record(False, now_s)
        assert not liveness.is_hung(now_s)


def test_many_questions_in_a_short_time_are_not_enough() -> None:
    liveness = Liveness(POLICY)
    liveness.begin(0.0)
    for now_s in (10.0, 11.0, 12.0, 13.0):
        liveness.record(False, now_s)
        assert not liveness.is_hung(now_s)
