"""What a dead collector left is taken over by those that live, without anybody starting one."""

from typing import Any

import httpx


def _folders(stack: Any) -> list[Any]:
    return [path for path in (stack.home / "journal").iterdir() if (path / "lock").exists()]


def test_a_living_collector_takes_a_dead_ones_journal_over(stack: Any, harness: Any) -> None:
    fast = {"TACHOGRAPH_COLLECTOR_LEDGER_INTERVAL_S": "0.3"}
    dying, dying_url = stack.start_collector(**fast)
    _, living_url = stack.start_collector(**fast)
    spans = [harness.chat_span() for _ in range(3)]
    assert stack.export(dying_url, *spans).status_code == 200
    assert len(_folders(stack)) == 2
    stack.kill_collector(dying)
    stack.start_store()
    harness.wait_for(lambda: len(stack.stored()) == 3, "the dead one's spans")
    assert sorted(stack.stored()) == sorted(span.span_id.hex() for span in spans)
    harness.wait_for(lambda: len(_folders(stack)) == 1, "one journal")
    harness.wait_for(lambda: stack.journal(living_url)["journals"] == 1, "the other to be let go")
    assert stack.journal(living_url)["adopted_journals"] == 1
    assert (
        "tachograph_collector_adopted_journals_total 1"
        in httpx.get(f"{living_url}/metrics", timeout=60).text
    )
    (line,) = stack.balance()
    assert (line.accepted, line.live, line.is_balanced) == (3, 3, True)


def test_a_journal_that_is_stuck_keeps_no_other_waiting(stack: Any, harness: Any) -> None:
    dying, dying_url = stack.start_collector()
    assert stack.export(dying_url, harness.chat_span()).status_code == 200
    stack.kill_collector(dying)
    segment = next((stack.home / "journal").glob("*/*.segment"))
    kept = segment.rename(segment.with_suffix(".kept"))
    segment.mkdir()  # reading it fails, whoever reads
    _, url = stack.start_collector()
    stack.start_store()
    span = harness.chat_span()
    assert stack.export(url, span).status_code == 200
    harness.wait_for(lambda: span.span_id.hex() in stack.stored(), "the own span")
    segment.rmdir()
    kept.rename(segment)
    harness.wait_for(lambda: len(stack.stored()) == 2, "the other's span")
