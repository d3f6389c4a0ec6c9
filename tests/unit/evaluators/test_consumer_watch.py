"""When a worker part counts as stuck."""

from tachograph_evaluators.commands.consumer_watch import Idleness


def test_messages_that_nobody_takes_are_counted_from_the_last_time_that_one_was() -> None:
    idleness = Idleness()
    assert idleness.look(100.0, waiting=5, taken=7, at_work=0) == 0.0
    assert idleness.look(104.0, waiting=5, taken=7, at_work=0) == 4.0
    assert idleness.look(106.0, waiting=5, taken=8, at_work=0) == 0.0
    assert idleness.look(109.0, waiting=9, taken=8, at_work=0) == 3.0


def test_a_part_that_works_or_has_nothing_to_do_is_not_stuck() -> None:
    idleness = Idleness()
    idleness.look(0.0, waiting=5, taken=1, at_work=1)
    assert idleness.look(500.0, waiting=5, taken=1, at_work=1) == 0.0  # a long batch
    assert idleness.look(900.0, waiting=0, taken=1, at_work=0) == 0.0
    assert idleness.look(901.0, waiting=1, taken=1, at_work=0) == 1.0
