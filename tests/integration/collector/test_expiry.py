"""Spans whose days are over are counted in the books and leave the disk's rows."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.store_process import running_store
from tests.integration.collector.conftest import start_collector, stop, wait_for
from tests.integration.collector.forgetting.conftest import Stack, span

from tachograph_collector.expiry_loop import ExpiryLoop
from tachograph_store.client import Store, connect
from tachograph_store.queries.ledger import LedgerBalance, ledger_balance
from tachograph_store.retention_expire import expire_spans
from tachograph_store.settings import StoreSettings

pytestmark = pytest.mark.usefixtures("one_day")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Six spans, entered in the books; the collector has stopped."""
    with running_store(tmp_path), connect(StoreSettings(), "writer") as store:
        stack = Stack(tmp_path, store)
        stack.process, stack.url = start_collector(tmp_path)
        stack.send(*(span(number, number, "words") for number in range(1, 7)))
        stack.wait_for_spans(6)
        assert stop(stack.process) == 0
        yield stack


def balance(store: Store) -> LedgerBalance:
    (line,) = [line for line in ledger_balance(store, "default") if line.signal == "spans"]
    return line


def today() -> date:
    return datetime.now(UTC).date()


def expire(stack: Stack, spans: int, days_ago: int) -> None:
    stack.store.command(
        "ALTER TABLE spans UPDATE expires_on = {day:Date} WHERE project = {project:String} "
        "AND toUInt64(trace_id) <= {spans:UInt64}",
        {"day": today() - timedelta(days=days_ago), "project": "default", "spans": spans},
    )


def test_what_is_over_is_counted_once_and_deleted(stack: Stack) -> None:
    expire(stack, 4, days_ago=1)
    passes = [list(expire_spans(stack.store)) for _ in range(2)]
    assert [sum(step.spans for step in one) for one in passes] == [4, 0]
    assert stack.count("spans") == 2
    line = balance(stack.store)
    assert (line.stored, line.live, line.expired) == (6, 2, 4)
    assert line.is_balanced


def test_a_day_that_is_not_over_stays(stack: Stack) -> None:
    expire(stack, 4, days_ago=0)
    assert list(expire_spans(stack.store)) == []
    assert stack.count("spans") == 6
    tomorrow = list(expire_spans(stack.store, today() + timedelta(days=1)))
    assert sum(step.spans for step in tomorrow) == 4
    assert stack.count("spans") == 2


def test_a_pass_that_died_after_counting_is_finished_by_the_next(stack: Stack) -> None:
    expire(stack, 4, days_ago=1)
    assert next(expire_spans(stack.store)).spans == 4
    assert stack.count("spans") == 6
    assert balance(stack.store).is_balanced
    assert sum(step.spans for step in expire_spans(stack.store)) == 0
    assert stack.count("spans") == 2
    assert balance(stack.store).expired == 4


def test_the_collectors_thread_does_it(stack: Stack) -> None:
    expire(stack, 4, days_ago=1)
    loop = ExpiryLoop(stack.store, stack.home / "expiry.lock", first_s=0.0)
    loop.start()
    try:
        wait_for(lambda: stack.count("spans") == 2, "the expired spans to go")
    finally:
        began = time.monotonic()
        assert loop.stop(30)
        assert time.monotonic() - began < 30
    assert balance(stack.store).expired == 4
