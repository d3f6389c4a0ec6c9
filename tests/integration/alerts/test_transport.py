"""One POST to a real server: what is followed, what is refused, what is bounded."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tachograph_evaluators.alerts.transport import Answer, post

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Receiver

HERE = Path(__file__).parent
CERTIFICATE = HERE / "receiver.example.pem"
"""Key and self-signed certificate of `receiver.example`, made for these tests, valid until 2126."""


def test_a_message_arrives_as_it_was_given(receiver: "Receiver") -> None:
    body = '{"é": 1}'.encode()
    answer = post(receiver.url + "?k=v", {"x-one": "1"}, body, allow_private=True)
    assert answer == Answer(http_status=200)
    got = receiver.next()
    assert (got.method, got.path, got.body) == ("POST", "/hook?k=v", body)
    assert got.headers["host"] == f"localhost:{receiver.port}"
    assert got.headers["x-one"] == "1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, receiver: "Receiver") -> None:
    receiver.answers.append((status, {"location": receiver.url + "/elsewhere"}, b""))
    answer = post(receiver.url, {}, b"{}", allow_private=True)
    assert answer.http_status == status
    assert answer.error == f"answered {status}: redirects are not followed"
    receiver.next()
    assert receiver.is_quiet


def test_nothing_is_sent_to_loopback_unless_allowed(receiver: "Receiver") -> None:
    port = receiver.port
    for host in ("localhost", "127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "[::ffff:7f00:1]"):
        answer = post(f"http://{host}:{port}/hook", {}, b"{}")
        assert answer.http_status is None
        assert answer.error is not None and answer.error.startswith("not sent: ")
        assert "allow_private" in answer.error
    assert receiver.is_quiet


def test_a_name_that_changes_its_mind_gains_nothing(
    receiver: "Receiver", monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer, if anybody asked, would be the receiver on loopback."""
    asked: list[str] = []
    ask = socket.getaddrinfo

    def rebinding(host: str, port: int, *rest: int, **more: int) -> object:
        if host != "rebinding.example":
            return ask(host, port, *rest, **more)
        asked.append(host)
        address = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = f"http://rebinding.example:{receiver.port}/hook"
    first = post(url, {}, b"{}")
    assert first.error is not None and "192.0.2.1" in first.error
    second = post(url, {}, b"{}")
    assert second.error is not None and "127.0.0.1" in second.error
    assert receiver.is_quiet
    # Allowed, the connection goes to the one answer that was checked, under the asked name.
    assert post(url, {}, b"{}", allow_private=True).error is None
    assert receiver.next().headers["host"] == f"rebinding.example:{receiver.port}"
    assert len(asked) == 3, "each attempt resolves the name once"


def test_one_bad_address_among_good_ones_refuses_the_name(
    receiver: "Receiver", monkeypatch: pytest.MonkeyPatch
) -> None:
    def mixed(host: str, port: int, **_: int) -> object:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("127.0.0.1", "169.254.169.254")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", mixed)
    answer = post(f"http://mixed.example:{receiver.port}/", {}, b"{}", allow_private=True)
    assert answer.error is not None and "169.254.169.254" in answer.error
    assert receiver.is_quiet


def test_proxies_of_the_environment_are_not_used(
    receiver: "Receiver", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert post(receiver.url, {}, b"{}", allow_private=True).error is None


def test_an_error_is_told_in_one_short_printable_line(receiver: "Receiver") -> None:
    words = "\x1b[31mno\n\u202eway\x00 ".encode() + b"\xff" + b"x" * 5_000
    receiver.answers.append((500, {}, words))
    answer = post(receiver.url, {}, b"{}", allow_private=True)
    assert answer.http_status == 500
    assert answer.error is not None
    assert answer.error.isprintable()
    assert len(answer.error) < 250
    assert answer.error.startswith("answered 500: [31mno way")


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("7", 7, 7), ("Wed, 21 Oct 2099 07:28:00 GMT", 1e9, 1e10), ("soon", None, None)],
)
def test_retry_after(
    value: str, low: float | None, high: float | None, receiver: "Receiver"
) -> None:
    receiver.answers.append((429, {"retry-after": value}, b""))
    answer = post(receiver.url, {}, b"{}", allow_private=True)
    if low is None or high is None:
        assert answer.retry_after_s is None
    else:
        assert answer.retry_after_s is not None
        assert low <= answer.retry_after_s <= high


def test_a_silent_receiver_is_given_up(receiver: "Receiver") -> None:
    receiver.go_on.clear()
    answer = post(receiver.url, {}, b"{}", allow_private=True, timeout_s=0.3)
    assert answer == Answer(error="no answer within 0.3 s")


def test_a_dripping_receiver_is_given_up(receiver: "Receiver") -> None:
    """Each byte comes in time; together they never end."""
    receiver.answers.append((500, {}, b""))
    receiver.drips = True
    answer = post(receiver.url, {}, b"{}", allow_private=True, timeout_s=0.5)
    assert answer.error is not None
    assert len(answer.error) < 200, "cut off long before the excerpt was full"


def test_unreachable_and_unknown_hosts_are_answers_not_exceptions() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        answer = post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True)
    assert answer.error is not None and "refused" in answer.error.lower()
    answer = post("http://no-such-host.invalid/", {}, b"{}")
    assert answer.error is not None and answer.error.startswith("not sent: ")
    answer = post("https://localhost/", {}, b"{}", allow_private=True, ca_file=HERE / "none.pem")
    assert answer.error is not None and answer.error.startswith("not sent: ")


def test_tls_is_checked_against_the_name_not_the_address(
    serving: Callable[..., "AbstractContextManager[Receiver]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    def local(host: str, port: int, **_: int) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", local)
    with serving(tls=CERTIFICATE) as receiver:
        url = f"https://receiver.example:{receiver.port}/hook"
        answer = post(url, {}, b"{}", allow_private=True, ca_file=CERTIFICATE)
        assert answer == Answer(http_status=200)
        assert receiver.next().headers["host"] == f"receiver.example:{receiver.port}"
        other = url.replace("receiver.example", "other.example")
        answer = post(other, {}, b"{}", allow_private=True, ca_file=CERTIFICATE)
        assert answer.error is not None and "CERTIFICATE_VERIFY_FAILED" in answer.error
        answer = post(url, {}, b"{}", allow_private=True)
        assert answer.error is not None and "CERTIFICATE_VERIFY_FAILED" in answer.error
        assert receiver.is_quiet
