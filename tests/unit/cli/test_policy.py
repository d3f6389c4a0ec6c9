"""Backoff and crash loops."""

from tachograph_cli.supervisor.policy import DeathRecord, RestartPolicy


def test_delays_double_up_to_the_longest() -> None:
    record = DeathRecord(RestartPolicy(max_delay_s=3.0, deaths_in_window=9))
    delays = []
    for second in range(5):
        record.record(float(second))
        delays.append(record.delay_s)
    assert delays == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_five_deaths_within_a_minute_are_a_crash_loop() -> None:
    record = DeathRecord(RestartPolicy())
    for second in (0.0, 10.0, 20.0, 30.0):
        record.record(second)
    assert not record.is_crash_loop
    record.record(59.0)
    assert record.is_crash_loop
    assert record.delay_s == 60.0


def test_deaths_far_apart_are_forgotten() -> None:
    record = DeathRecord(RestartPolicy())
    for second in range(0, 1000, 61):
        record.record(float(second))
    assert record.count == 1
    assert record.delay_s == 0.5
