"""The store comes late, dies and comes back: what was acknowledged waits and is stored once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tachograph_store.client import connect
from tachograph_store.settings import StoreSettings


class Stack:
    """A store and a collector of one test's own."""

    def __init__(self, home: Path, harness: Any) -> None:
        self.home = home
        self._harness = harness
        self.settings = StoreSettings(url=f"embedded://{home}/store")
        self._store: subprocess.Popen[bytes] | None = None
        self.collector, self.url = harness.start_collector(home)

    def start_store(self) -> None:
        with (self.home / "store.log").open("ab") as log:
            self._store = subprocess.Popen(
                [sys.executable, "-m", "tachograph_store.commands.store", "--port", "0"],
                stdout=log,
                stderr=log,
                env={**os.environ, "TACHOGRAPH_HOME": str(self.home)},
            )
        self._harness.wait_for(lambda: bool(self.health()["store_reachable"]), "the store")

    def kill_store(self) -> None:
        assert self._store is not None
        self._store.kill()
        self._store.wait()
        self._store = None

    def health(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/healthz", timeout=60)
        assert answer.status_code == 200, answer.text
        health: dict[str, Any] = answer.json()
        return health

    def settle(self) -> None:
        self._harness.wait_for(
            lambda: self.health()["journal"]["waiting_records"] == 0, "an empty journal"
        )

    def export(self, body: bytes) -> httpx.Response:
        headers = {"content-type": "application/x-protobuf"}
        return httpx.post(f"{self.url}/v1/traces", content=body, headers=headers, timeout=60)

    def count(self) -> int:
        with connect(self.settings) as store:
            return int(store.query("SELECT count() AS n FROM spans")[0]["n"])

    def stop(self) -> None:
        if self.collector.poll() is None:
            self._harness.stop(self.collector)
        elif self.collector.stdout is not None:
            self.collector.stdout.close()
        if self._store is not None:
            self._store.terminate()
            self._store.wait(timeout=120)


@pytest.fixture
def stack(tmp_path: Path, harness: Any) -> Iterator[Stack]:
    running = Stack(tmp_path, harness)
    yield running
    running.stop()


@pytest.mark.lesson(2)
def test_the_store_comes_late_dies_and_comes_back(stack: Stack, harness: Any) -> None:
    body = harness.trace_body(harness.chat_span(), harness.chat_span())
    assert httpx.get(f"{stack.url}/readyz", timeout=60).status_code == 200  # the journal has room
    assert stack.export(body).status_code == 200
    early = stack.health()
    assert (early["store_reachable"], early["journal"]["waiting_records"]) == (False, 2)
    harness.wait_for(
        lambda: "not running" in (stack.health()["journal"]["drain_problem"] or ""), "its reason"
    )
    question = httpx.get(f"{stack.url}/api/v1/traces", timeout=60)
    assert question.status_code == 503
    assert question.json()["error"]["code"] == "store_unavailable"
    keyed = httpx.get(
        f"{stack.url}/api/v1/whoami", headers={"authorization": "Bearer tg_x"}, timeout=60
    )
    assert keyed.status_code == 503  # nobody knows: neither let in nor told that it is wrong

    stack.start_store()
    stack.settle()
    assert stack.count() == 2

    stack.kill_store()
    later = harness.trace_body(harness.chat_span())
    assert stack.export(later).status_code == 200
    assert stack.export(later).status_code == 200  # the sender repeats itself meanwhile

    stack.start_store()
    assert stack.export(body).status_code == 200  # a retry of what was stored before the kill
    stack.settle()
    assert stack.count() == 3
    assert stack.health()["journal"]["drain_problem"] is None


def test_what_was_acknowledged_is_in_the_books_after_a_stop(stack: Stack, harness: Any) -> None:
    stack.start_store()
    old = harness.make_span(start_time_unix_nano=1)
    body = harness.trace_body(harness.chat_span(), harness.chat_span(), old)
    assert stack.export(body).status_code == 200
    assert stack.export(body).status_code == 200
    assert harness.stop(stack.collector) == 0
    with connect(stack.settings) as store:
        lines = store.query(
            "SELECT outcome, reason, sum(count) AS n FROM ledger FINAL "
            "WHERE sequence = 0 AND source != '' GROUP BY ALL HAVING n > 0 ORDER BY ALL"
        )
    assert [(line["outcome"], line["reason"], line["n"]) for line in lines] == [
        ("accepted", "", 4),
        ("duplicate", "", 2),
        ("received", "", 6),
        ("rejected", "too_old", 2),
        ("stored", "", 2),
    ]


def test_a_request_that_was_taken_is_answered_before_the_end(stack: Stack, harness: Any) -> None:
    stack.start_store()
    body = harness.trace_body(*(harness.chat_span() for _ in range(200)))

    def halves() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        stack.collector.terminate()
        yield body[len(body) // 2 :]

    headers = {"content-type": "application/x-protobuf"}
    answer = httpx.post(f"{stack.url}/v1/traces", content=halves(), headers=headers, timeout=60)
    assert answer.status_code == 200
    assert stack.collector.wait(timeout=120) == 0
    assert stack.count() == 200
