"""Answers wait only while the store takes fewer rows than come."""

import pytest

from tachograph_collector.journal.pace import MAX_DELAY_S, Pace


def _pace() -> Pace:
    """Of a store that takes 500 rows a second."""
    pace = Pace(slack_rows=1_000)
    pace.drained(1_000, 2.0)
    return pace


def test_nobody_waits_while_less_than_a_block_does() -> None:
    assert _pace().delay_s(100, waiting_rows=1_000) == 0


def test_an_answer_waits_for_its_rows_and_those_before_it() -> None:
    pace = _pace()
    first, second = (pace.delay_s(300, waiting_rows=1_001) for _ in range(2))
    assert first == pytest.approx(0.6)
    assert first < second <= 1.2


def test_no_answer_waits_for_ever() -> None:
    pace = _pace()
    delays = [pace.delay_s(900, waiting_rows=10**6) for _ in range(20)]
    assert max(delays) == pytest.approx(MAX_DELAY_S)


def test_nobody_waits_while_the_store_is_away_or_before_it_took_anything() -> None:
    assert Pace(slack_rows=1_000).delay_s(100, waiting_rows=10**6) == 0
    pace = _pace()
    pace.failed()
    assert pace.delay_s(100, waiting_rows=10**6) == 0
    pace.drained(1_000, 2.0)
    assert pace.delay_s(100, waiting_rows=10**6) > 0


def test_small_blocks_say_nothing_of_a_row() -> None:
    pace = _pace()
    pace.drained(1, 5.0)
    assert pace.delay_s(100, waiting_rows=1_001) == pytest.approx(0.2)
