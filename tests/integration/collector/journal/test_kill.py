"""kill -9 under load: every acknowledged span is stored once, and the books balance."""

import random
import threading
import time
from typing import Any

import httpx
import pytest

ROUNDS = 6
FAST_BOOKS = {"TACHOGRAPH_COLLECTOR_LEDGER_INTERVAL_S": "0.3"}


class Load:
    """Senders that repeat a request until it is acknowledged, as exporters do."""

    def __init__(self, stack: Any, harness: Any) -> None:
        self.url = ""
        self.acknowledged: set[str] = set()
        self.requests = 0
        self._stack = stack
        self._harness = harness
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._senders = [threading.Thread(target=self._send, args=(i,)) for i in range(4)]

    def _send(self, number: int) -> None:
        while not self._done.is_set():
            spans = [self._harness.chat_span() for _ in range(random.randint(1, 40))]
            while not self._is_taken(spans, f"service-{number % 2}"):
                if self._done.is_set():
                    return
                time.sleep(0.02)
            with self._lock:
                self.acknowledged.update(span.span_id.hex() for span in spans)
                self.requests += 1

    def _is_taken(self, spans: list[Any], service: str) -> bool:
        try:
            answer = self._stack.export(self.url, *spans, service=service)
        except httpx.TransportError:
            return False
        return bool(answer.status_code == 200)

    def start(self) -> None:
        for sender in self._senders:
            sender.start()

    def stop(self) -> None:
        self._done.set()
        for sender in self._senders:
            sender.join()


@pytest.mark.timeout(900)
def test_no_acknowledged_span_is_lost_or_stored_twice(stack: Any, harness: Any) -> None:
    stack.start_store()
    process, url = stack.start_collector(**FAST_BOOKS)
    load = Load(stack, harness)
    load.url = url
    load.start()
    try:
        for _ in range(ROUNDS):
            seen = load.requests
            harness.wait_for(lambda seen=seen: load.requests > seen + 2, "some requests")
            assert stack.unbalanced() == []
            time.sleep(random.uniform(0, 0.5))  # any moment: of an append, an insert, a checkpoint
            stack.kill_collector(process)
            process, load.url = stack.start_collector(**FAST_BOOKS)
    finally:
        load.stop()
    stack.settle(load.url)
    stored = stack.stored()
    assert len(load.acknowledged) > 100
    assert not load.acknowledged.difference(stored)
    assert len(stored) == len(set(stored))

    def is_written() -> bool:
        return bool(stack.ledger(load.url).get("stored") == len(stored))

    harness.wait_for(is_written, "the last lines of the books")
    (first, second) = stack.balance()
    assert first.live + second.live == len(stored)
    assert stack.unbalanced() == []
    books = stack.ledger(load.url)
    assert books["accepted"] == books["stored"] + books.get("duplicate", 0)
    assert books["received"] == books["accepted"]
    journal = stack.journal(load.url)
    assert (journal["damaged_records"], journal["missing_records"]) == (0, 0)


@pytest.mark.lesson(2)
def test_spans_wait_out_the_death_of_both(stack: Any, harness: Any) -> None:
    stack.start_store()
    process, url = stack.start_collector()
    spans = [harness.chat_span() for _ in range(30)]
    assert stack.export(url, *spans[:10]).status_code == 200
    stack.kill_store()
    assert stack.export(url, *spans[10:]).status_code == 200
    stack.kill_collector(process)
    stack.start_store()
    _, url = stack.start_collector()
    stack.settle(url)
    assert sorted(stack.stored()) == sorted(span.span_id.hex() for span in spans)


def test_a_dead_collectors_journal_is_drained_by_the_next(stack: Any, harness: Any) -> None:
    first, first_url = stack.start_collector()
    second, second_url = stack.start_collector()
    spans = [harness.chat_span() for _ in range(4)]
    for url, part in ((first_url, spans[:2]), (second_url, spans[2:])):
        assert stack.export(url, *part).status_code == 200
    folders = [path for path in (stack.home / "journal").iterdir() if (path / "lock").exists()]
    assert len(folders) == 2
    stack.kill_collector(first)
    stack.kill_collector(second)
    stack.start_store()
    _, url = stack.start_collector(**FAST_BOOKS)
    stack.settle(url)
    assert sorted(stack.stored()) == sorted(span.span_id.hex() for span in spans)
    harness.wait_for(
        lambda: sum((path / "lock").exists() for path in folders) == 1, "one journal left"
    )
    assert stack.ledger(url)["stored"] == 4


def test_two_collectors_that_get_the_same_spans_store_them_once(stack: Any, harness: Any) -> None:
    stack.start_store()
    urls = [stack.start_collector()[1] for _ in range(2)]
    batches = [[harness.chat_span() for _ in range(5)] for _ in range(20)]

    def send(url: str) -> None:
        for batch in batches:
            assert stack.export(url, *batch).status_code == 200

    senders = [threading.Thread(target=send, args=(url,)) for url in urls]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    for url in urls:
        stack.settle(url)
    expected = sorted(span.span_id.hex() for batch in batches for span in batch)
    assert sorted(stack.stored()) == expected
