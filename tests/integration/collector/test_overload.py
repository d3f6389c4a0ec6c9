"""More than the collector may hold at once is refused for a while, and nothing is lost by it."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tachograph_store import native
from tachograph_store.client import Store
from tachograph_store.settings import StoreSettings

LIMIT_BYTES = 200_000
CALLERS = 6


@pytest.fixture
def small_collector(store_server: StoreSettings, harness: Any) -> Iterator[str]:
    process, url = harness.start_collector(
        store_server.directory.parent,
        TACHOGRAPH_COLLECTOR_MAX_BODY_BYTES=str(LIMIT_BYTES),
        TACHOGRAPH_COLLECTOR_MAX_IN_FLIGHT_BYTES=str(LIMIT_BYTES),
    )
    yield url
    assert harness.stop(process) == 0


@contextmanager
def all_room_taken(url: str, headers: Mapping[str, str], harness: Any) -> Iterator[None]:
    """By an upload that announces as many bytes as the collector may hold, and does not come on."""
    parts = urlsplit(url)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as client:
        client.sendall(
            f"POST /v1/traces HTTP/1.1\r\nHost: {parts.netloc}\r\n{head}"
            f"Content-Length: {LIMIT_BYTES}\r\n\r\n".encode()
        )
        harness.wait_for(
            lambda: (
                httpx.get(f"{url}/healthz", timeout=60).json()["in_flight_bytes"] == LIMIT_BYTES
            ),
            "no room",
        )
        yield


def test_callers_are_told_to_come_again_and_then_are_served(
    small_collector: str, harness: Any, make_key: Any, reader_store: Store, project: str
) -> None:
    headers = {
        "content-type": "application/x-protobuf",
        "authorization": f"Bearer {make_key(project)}",
    }
    text = "a prompt of some length " * 400
    statuses: Counter[int] = Counter()
    retry_after: set[str] = set()

    def send() -> None:
        spans = [harness.make_span({"gen_ai.input.messages": text}) for _ in range(8)]
        body = harness.trace_body(*spans)

        def is_taken() -> bool:
            answer = client.post("/v1/traces", content=body, headers=headers)
            statuses[answer.status_code] += 1
            if answer.status_code != 200:
                retry_after.add(answer.headers["retry-after"])
            return answer.status_code == 200

        with httpx.Client(base_url=small_collector, timeout=60) as client:
            harness.wait_for(is_taken, "a place in the queue")

    callers = [threading.Thread(target=send) for _ in range(CALLERS)]
    with all_room_taken(small_collector, headers, harness):
        for caller in callers:
            caller.start()
        harness.wait_for(lambda: statuses[429] >= CALLERS, "all to be refused")
    for caller in callers:
        caller.join()
    assert set(statuses) == {200, 429}
    assert statuses[200] == CALLERS
    assert retry_after == {"2"}
    with httpx.Client(base_url=small_collector, timeout=60) as client:
        harness.wait_for(lambda: harness.waiting(client) == 0, "an empty journal")
    stored = reader_store.query(
        "SELECT count() AS n FROM spans WHERE project = {project:String}", {"project": project}
    )
    assert stored[0]["n"] == 8 * CALLERS
    health = httpx.get(f"{small_collector}/healthz", timeout=60).json()
    assert health["in_flight_bytes"] == 0
    assert health["compiled"] == native.is_compiled()
    metrics = httpx.get(f"{small_collector}/metrics", timeout=60).text
    assert 'tachograph_collector_requests_total{route="/v1/traces",status="429"}' in metrics
    assert 'tachograph_collector_records_total{signal="spans",outcome="stored",reason=""} 48' in (
        metrics
    )
    assert project not in metrics
