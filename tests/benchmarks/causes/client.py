"""Clients that know by their own clock what happened to them."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

TIMEOUT_S: Final = 300.0
CHAT: Final = "/v1/chat/completions"
_CLIENT: Final = httpx.Client(timeout=TIMEOUT_S, trust_env=False)
"""One for all threads: to make one takes longer than a short answer."""


@dataclass(slots=True)
class Heard:
    """One request as its client saw it; seconds of one monotonic clock.

    Attributes:
        trace_id: under which the sidecar's span is stored.
        sent_s, ended_s: begin and end.
        arrivals_s: of the events that carry output.
        engine_s: prefill and decoding by llama.cpp's own `timings`; None where it tells none.
    """

    trace_id: str
    sent_s: float
    ended_s: float = 0.0
    arrivals_s: list[float] = field(default_factory=list)
    engine_s: float | None = None

    @property
    def first_s(self) -> float:
        """Time to the first event with output."""
        return self.arrivals_s[0] - self.sent_s

    @property
    def streamed_s(self) -> float:
        """From the first event with output to the end."""
        return self.ended_s - self.arrivals_s[0]

    @property
    def gaps_s(self) -> list[float]:
        """Between events with output."""
        pairs = zip(self.arrivals_s, self.arrivals_s[1:], strict=False)
        return [after - before for before, after in pairs]


def ask(
    url: str,
    body: Mapping[str, Any],
    path: str = CHAT,
    on_event: Callable[[int], object] = lambda number: None,
) -> Heard:
    """Send it and read the answer as it comes; `on_event` is told the number of each event."""
    heard, headers = _begin()
    with _CLIENT.stream("POST", url + path, json=body, headers=headers) as answer:
        answer.raise_for_status()
        if body.get("stream"):
            for line in answer.iter_lines():
                if _has_output(line):
                    heard.arrivals_s.append(time.monotonic())
                    on_event(len(heard.arrivals_s))
        else:
            heard.engine_s = _engine_s(json.loads(answer.read()))
    heard.ended_s = time.monotonic()
    return heard


class Asking:
    """A request in a thread of its own."""

    def __init__(self, url: str, body: Mapping[str, Any], path: str = CHAT) -> None:
        self._has_begun = threading.Event()
        self._heard: Heard | None = None
        self._thread = threading.Thread(target=self._run, args=(url, body, path))
        self._thread.start()

    def _run(self, url: str, body: Mapping[str, Any], path: str) -> None:
        self._heard = ask(url, body, path, lambda number: self._has_begun.set())

    def begun(self) -> "Asking":
        """Return when the first event of its stream has come."""
        assert self._has_begun.wait(TIMEOUT_S)
        return self

    def result(self) -> Heard:
        """Return when it is over."""
        self._thread.join(TIMEOUT_S)
        assert self._heard is not None
        return self._heard


def ask_and_sleep(url: str, body: Mapping[str, Any], path: str, sleep_s: float) -> Heard:
    """Read nothing for a while, through as small a window as the kernel grants, then all."""
    parts, data = urlsplit(url), json.dumps(body).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect((parts.hostname, parts.port))
        heard, headers = _begin()
        lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Content-Type: application/json", "Connection: close", "", ""]
        client.sendall("\r\n".join(lines).encode() + data)
        time.sleep(sleep_s)
        tail = b""
        while piece := client.recv(65_536):
            tail = (tail + piece)[-16_384:]
        heard.ended_s = time.monotonic()
    last = next(line for line in reversed(tail.splitlines()) if b'"timings":' in line)
    heard.engine_s = _engine_s(json.loads(last[last.index(b"{") :]))
    return heard


def _begin() -> tuple[Heard, dict[str, str]]:
    trace_id = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    return Heard(trace_id, time.monotonic()), headers


def _engine_s(answer: Mapping[str, Any]) -> float | None:
    timings = answer.get("timings")
    return None if timings is None else (timings["prompt_ms"] + timings["predicted_ms"]) / 1e3


def _has_output(line: str) -> bool:
    if not line.startswith("data: {"):
        return False
    event = json.loads(line[6:])
    if event.get("type") == "content_block_delta":
        return True
    return any(
        (choice.get("delta") or {}).get("content") or choice.get("text")
        for choice in event.get("choices", ())
    )
